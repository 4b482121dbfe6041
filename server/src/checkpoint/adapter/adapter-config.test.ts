import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readAdapterConfig } from './adapter-config.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-adapter-'));
afterAll(() => rmSync(folder, { recursive: true }));

const USUAL = { peft_type: 'LORA', r: 16, lora_alpha: 32, bias: 'none', use_dora: false };
const read = (config: object) => {
  const file = path.join(folder, 'adapter_config.json');
  writeFileSync(file, JSON.stringify({ ...USUAL, ...config }));
  return readAdapterConfig(file);
};

describe('readAdapterConfig', () => {
  it('takes alpha, and that of a rank-stabilised adapter times the root of its rank', async () => {
    expect(await read({})).toEqual({ alpha: 32 });
    expect(await read({ use_rslora: true })).toEqual({ alpha: 128 });
    expect(await read({ rank_pattern: { 'layers.0': 4 } })).toEqual({ alpha: 32 });
  });

  it.each([
    { peft_type: 'IA3' },
    { use_dora: true },
    { init_lora_weights: 'pissa_niter_4' },
    { lora_bias: true },
    { fan_in_fan_out: true },
    { bias: 'lora_only' },
    { alora_invocation_tokens: [1, 2] },
    { alpha_pattern: { 'layers.0': 8 } },
    { use_rslora: true, rank_pattern: { 'layers.0': 4 } },
  ])('refuses %j by the name of its key', async (config) => {
    await expect(read(config)).rejects.toThrow(Object.keys(config)[0]);
    await expect(read(config)).rejects.toMatchObject({ code: 'checkpoint.unsupported' });
  });
});
