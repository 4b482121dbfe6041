import { describe, expect, it } from 'vitest';
import { configSchema } from './config-schema.js';
import { ropeCaveat, ropeFacts } from './rope-scaling.js';

const facts = (config: object) => ropeFacts(configSchema.parse(config), 4096, 'config.json');
const yarn = (over: object = {}) =>
  facts({
    rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 1024, ...over },
  }).scaling;

describe('ropeFacts', () => {
  it('takes dynamic scaling for none: it changes nothing within max_position_embeddings', () => {
    for (const factor of [2, undefined])
      expect(facts({ rope_scaling: { type: 'dynamic', factor } })).toEqual({ theta: 10_000, scaling: null });
  });

  it("fills in YaRN's defaults as transformers does", () => {
    expect(yarn()).toEqual({
      kind: 'yarn',
      factor: 4,
      attentionFactor: 0.1 * Math.log(4) + 1,
      fastTurns: 32,
      slowTurns: 1,
      roundsRange: true,
      originalContextTokens: 1024,
    });
    expect(yarn({ factor: null, beta_fast: 0, beta_slow: 0, mscale: 0.7 })).toEqual(yarn());
    expect(yarn({ factor: 1 })).toMatchObject({ attentionFactor: 1 });
  });

  it('takes what a YaRN configuration states before what follows from the factor', () => {
    expect(yarn({ attention_factor: 1.7, mscale: 1, mscale_all_dim: 1 })).toMatchObject({
      attentionFactor: 1.7,
    });
    expect(yarn({ mscale: 1, mscale_all_dim: 1 })).toMatchObject({ attentionFactor: 1 });
    expect(yarn({ beta_fast: 24, beta_slow: 2, truncate: false })).toMatchObject({
      fastTurns: 24,
      slowTurns: 2,
      roundsRange: false,
    });
  });

  it('takes the original context beside the scaling before the one in it', () => {
    const config = { original_max_position_embeddings: 2048 };
    const scaling = { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 1024 };
    expect(facts({ ...config, rope_parameters: scaling }).scaling).toMatchObject({
      originalContextTokens: 2048,
    });
    expect(facts({ rope_scaling: { type: 'yarn', factor: 2 } }).scaling).toMatchObject({
      originalContextTokens: 4096,
    });
  });

  it.each([
    [{ type: 'longrope', factor: 2 }, '"longrope" is not supported; linear, llama3, dynamic and yarn are'],
    [{ type: 'linear' }, 'rope_scaling of type linear needs factor'],
    [
      { type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 1 },
      'low_freq_factor below high_freq_factor',
    ],
    [{ type: 'yarn', factor: 2, rope_theta: 1 }, 'rope_theta above 1'],
  ])('refuses %j', (rope_scaling, reason) => {
    expect(() => facts({ rope_scaling })).toThrow(reason);
  });
});

describe('ropeCaveat', () => {
  it.each([
    ['rope_scaling', 'dynamic'],
    ['rope_parameters', 'yarn'],
  ])('says of %s of type %s within what context the model is served', (key, type) => {
    const caveat = ropeCaveat(configSchema.parse({ [key]: { rope_type: type, factor: 2 } }), 4096);
    expect(caveat?.key).toBe(key);
    expect(caveat?.what).toContain(
      `is of type ${type}: the model is served within max_position_embeddings (4096 tokens)`,
    );
  });

  it('says nothing of plain positions and of those that are scaled at every length', () => {
    for (const config of [{}, { rope_scaling: null }, { rope_scaling: { type: 'linear', factor: 2 } }])
      expect(ropeCaveat(configSchema.parse(config), 4096)).toBeUndefined();
  });
});
