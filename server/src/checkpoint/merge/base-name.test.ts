import { expect, it } from 'vitest';
import { parseBaseName } from './base-name.js';

it.each([
  ['lmsys/vicuna-7b-v1.5', { id: 'lmsys/vicuna-7b-v1.5', inside: ['lmsys', 'vicuna-7b-v1.5'] }],
  ['./checkpoints/vicuna-7b', { id: null, inside: ['checkpoints', 'vicuna-7b'], last: 'vicuna-7b' }],
  ['../vicuna-7b/', { id: null, inside: null, last: 'vicuna-7b' }],
  ['/data/models/llava-v1.5-7b', { id: null, inside: null, last: 'llava-v1.5-7b' }],
  ['D:\\models\\vicuna', { id: null, inside: null, last: 'vicuna' }],
  [
    '/home/u/.cache/huggingface/hub/models--lmsys--vicuna-7b-v1.5/snapshots/0a1b',
    { id: 'lmsys/vicuna-7b-v1.5' },
  ],
  ['vicuna-7b', { id: null, inside: ['vicuna-7b'] }],
  ['/', { id: null, inside: null, last: '' }],
])('%s is read as what it can mean', (name, meaning) => {
  expect(parseBaseName(name)).toMatchObject(meaning);
});

it.each([
  ['unsloth/llama-2-7b-bnb-4bit', true],
  ['TheBloke/vicuna-7B-v1.5-GPTQ', true],
  ['x/llava-v1.5-7b-8bit', true],
  ['casperhansen/vicuna-7b-v1.5-awq', true],
  ['lmsys/vicuna-7b-v1.5', false],
  ['x/habit-7b', false],
])('%s is quantised by its name: %s', (name, isQuantised) => {
  expect(parseBaseName(name).isQuantised).toBe(isQuantised);
});
