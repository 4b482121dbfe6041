import { describe, expect, it } from 'vitest';
import { parseFromReader } from './from-reader-schema.js';
import type { FromReader, ReaderCard } from './messages.js';

const CARD: ReaderCard = {
  modelName: 'demo',
  modelType: 'LlavaLlamaForCausalLM',
  device: 'cpu',
  contextTokens: 2048,
  maxSequences: 8,
  vision: null,
};
const DONE = {
  kind: 'done',
  requestId: 'r',
  prompt: 0,
  finishReason: 'stop',
  usage: { promptTokens: 3, imageTokens: 0, generatedTokens: 1 },
} as const;

const VALID: readonly FromReader[] = [
  { kind: 'loading', stage: 'reading weights', fraction: 0.5 },
  { kind: 'loading', stage: 'starting', fraction: null },
  { kind: 'ready', card: CARD },
  { kind: 'failed', code: 'checkpoint.missing', message: 'no such folder' },
  { kind: 'log', level: 'warn', message: 'x' },
  { kind: 'heartbeat', running: 1, steps: 0 },
  { kind: 'token', requestId: 'r', prompt: 999, text: ' \u{1F600}\n' },
  DONE,
  { kind: 'error', requestId: 'r', prompt: 0, code: 'request.does_not_fit', message: 'too long' },
];

describe('parseFromReader', () => {
  it.each(VALID.map((message) => [message.kind, message] as const))('takes %s as it is', (_, message) => {
    expect(parseFromReader(message)).toEqual(message);
  });

  it.each([
    ['nothing', undefined],
    ['text', 'ready'],
    ['an unknown kind', { kind: 'exec', command: 'x' }],
    ['a token without text', { kind: 'token', requestId: 'r', prompt: 0 }],
    ['a negative prompt', { kind: 'token', requestId: 'r', prompt: -1, text: '' }],
    ['a fractional prompt', { kind: 'token', requestId: 'r', prompt: 0.5, text: '' }],
    ['megabytes in a token', { kind: 'token', requestId: 'r', prompt: 0, text: 'x'.repeat(100_000) }],
    [
      'a code that no client knows',
      { kind: 'error', requestId: 'r', prompt: 0, code: 'native.x', message: '' },
    ],
    [
      'an inherited name as code',
      { kind: 'error', requestId: 'r', prompt: 0, code: 'toString', message: '' },
    ],
    ['an invented finish reason', { ...DONE, finishReason: 'bored' }],
    ['negative usage', { ...DONE, usage: { promptTokens: -1, imageTokens: 0, generatedTokens: 0 } }],
    ['a card without limits', { kind: 'ready', card: { ...CARD, contextTokens: 0 } }],
    ['progress beyond the end', { kind: 'loading', stage: 'x', fraction: 1.5 }],
  ])('refuses %s', (_, message) => {
    expect(parseFromReader(message)).toBeUndefined();
  });

  it('drops what a message has beyond its shape', () => {
    expect(parseFromReader({ ...DONE, extra: 1 })).toEqual(DONE);
  });
});
