import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeJson } from '../fixtures/tiny-checkpoint.fixture.js';
import { readMergeConfig } from './merge-config.js';

const folder = mkdtempSync(join(tmpdir(), 'takeoff-merge-'));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (config: object) => {
  writeJson(folder, 'adapter_config.json', { peft_type: 'LORA', r: 16, lora_alpha: 32, ...config });
  return readMergeConfig(join(folder, 'adapter_config.json'));
};
const UP = 'model.layers.1.mlp.up_proj';

it('multiplies by alpha over the rank, or over its root where the adapter is rank-stabilised', async () => {
  expect((await read({})).scaleOf(UP, 16)).toBe(2);
  expect((await read({ use_rslora: true })).scaleOf(UP, 16)).toBe(8);
});

it('takes rank and alpha of a module from the first pattern that is its name or its end', async () => {
  const { scaleOf } = await read({
    rank_pattern: { 'mlp.up_proj': 4, up_proj: 8 },
    alpha_pattern: { proj: 1, '^model.layers.1.mlp.up_proj': 12, up_proj: 100 },
  });
  expect(scaleOf(UP, 4)).toBe(3);
  expect(scaleOf('model.layers.2.mlp.up_proj', 4)).toBe(25);
  expect(scaleOf('model.layers.2.mlp.down_proj', 16)).toBe(2);
  expect(() => scaleOf(UP, 16)).toThrow(`The rank of ${UP} is 4, but its matrices are of rank 16`);
});

it.each([
  [{ alpha_pattern: { 'layers\\.[0-9]+': 8 } }, 'alpha_pattern has the entry'],
  [{ rank_pattern: { up_proj: 0 } }, 'numbers above 0'],
  [{ rank_pattern: { up_proj: '8' } }, 'rank_pattern has the entry'],
  [{ lora_bias: true }, 'lora_bias is true'],
  [{ init_lora_weights: 'olora' }, 'init_lora_weights is "olora"'],
  [{ alora_invocation_tokens: [1] }, 'alora_invocation_tokens is set'],
])('refuses %j', async (config, message) => {
  await expect(read(config)).rejects.toThrow(message);
});

it('passes over what means nothing for linear layers, as PEFT does, and keeps what the base is called', async () => {
  const { warnings, baseName } = await read({
    fan_in_fan_out: true,
    bias: 'all',
    init_lora_weights: 'gaussian',
    base_model_name_or_path: ' lmsys/vicuna-7b-v1.5 ',
  });
  expect(warnings).toEqual([expect.stringContaining('fan_in_fan_out')]);
  expect(baseName).toBe('lmsys/vicuna-7b-v1.5');
  expect((await read({ base_model_name_or_path: '' })).baseName).toBeNull();
});
