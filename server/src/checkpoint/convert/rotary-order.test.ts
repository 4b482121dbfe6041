import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { interleaveHeads } from './rotary-order.js';
import { ropeFactorTensors } from './rope-factors.js';
import { decoderShape } from '../source/text-hyperparameters.js';

describe('interleaveHeads', () => {
  it('interleaves the two halves of each head and leaves heads in their order', () => {
    const rows = [0, 1, 2, 3, 4, 5, 6, 7];
    const bytes = Uint8Array.from(rows.flatMap((row) => [row, row + 100]));
    const order = (headRows: number) =>
      Array.from(interleaveHeads(bytes, 2, headRows)).filter((_, i) => i % 2 === 0);
    expect(order(4)).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(order(8)).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
    expect(order(2)).toEqual(rows);
    expect(interleaveHeads(bytes, 2, 8).slice(0, 4)).toEqual(Uint8Array.of(0, 100, 4, 104));
  });

  it('refuses parts of heads', () => {
    expect(() => interleaveHeads(new Uint8Array(6), 1, 4)).toThrow(Defect);
    expect(() => interleaveHeads(new Uint8Array(6), 1, 3)).toThrow(Defect);
  });
});

describe('ropeFactorTensors', () => {
  const llama3 = {
    rope_theta: 500_000,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  };

  it('scales the slow frequencies of Llama 3.1 by the factor, the fast ones not at all', async () => {
    const [tensor] = ropeFactorTensors(decoderShape(llama3, 'llama', 'f'));
    const bytes = await tensor!.source.read(0, 64);
    const factors = new Float32Array(bytes.buffer);
    expect(tensor?.dimensions).toEqual([64]);
    expect(factors.slice(0, 29).every((factor) => factor === 1)).toBe(true);
    expect(factors.slice(35).every((factor) => factor === 8)).toBe(true);
    // Wavelength at pair 30: 2π · 500000^(60/128) = 2948.30; smooth = (8192 / 2948.30 − 1) / 3 = 0.59285.
    expect(factors[30]).toBeCloseTo(1 / ((1 - 0.59285) / 8 + 0.59285), 3);
  });

  it("leaves YaRN's fast frequencies, divides the slow ones by the factor and mixes those between", async () => {
    const rope_scaling = { type: 'yarn', factor: 4, original_max_position_embeddings: 4096 };
    const [tensor] = ropeFactorTensors(decoderShape({ rope_scaling }, 'llama', 'f'));
    const factors = new Float32Array((await tensor!.source.read(0, 64)).buffer);
    // 128 · ln(4096 / (turns · 2π)) / (2 · ln 10000): 32 turns at pair 20.9, one turn at pair 45.03.
    expect(factors.slice(0, 21).every((factor) => factor === 1)).toBe(true);
    expect(factors.slice(46).every((factor) => factor === 4)).toBe(true);
    expect(factors[33]).toBeCloseTo(1 / (13 / 26 / 4 + 13 / 26), 5);
  });

  it('is absent where positions are plain or scaled linearly', () => {
    expect(ropeFactorTensors(decoderShape({}, 'llama', 'f'))).toEqual([]);
    const linear = { rope_scaling: { type: 'linear', factor: 2 } };
    expect(ropeFactorTensors(decoderShape(linear, 'llama', 'f'))).toEqual([]);
  });
});
