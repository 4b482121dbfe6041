import { describe, expect, it } from 'vitest';
import type { TextQuant } from '../../model/quantisation.js';
import { textTensorType, towerTensorType, type TextShape } from './tensor-type.js';

const shape: TextShape = { layerCount: 32, headCount: 32, kvHeadCount: 8, tiesEmbeddings: false };
const type = (ggufName: string, quant: TextQuant, rowElements = 4096, over: Partial<TextShape> = {}) =>
  textTensorType({ ggufName, dimensions: [rowElements, 64] }, quant, { ...shape, ...over });

describe('textTensorType', () => {
  it.each<[TextQuant, string, string, string, string]>([
    ['f32', 'F32', 'F32', 'F32', 'F32'],
    ['f16', 'F16', 'F16', 'F16', 'F16'],
    ['bf16', 'BF16', 'BF16', 'BF16', 'BF16'],
    ['q8_0', 'Q8_0', 'Q8_0', 'Q8_0', 'Q8_0'],
    ['q4_0', 'Q4_0', 'Q6_K', 'Q4_0', 'Q4_0'],
    ['q4_k_m', 'Q4_K', 'Q6_K', 'Q6_K', 'Q4_K'],
    ['q5_k_m', 'Q5_K', 'Q6_K', 'Q6_K', 'Q5_K'],
    ['q6_k', 'Q6_K', 'Q6_K', 'Q6_K', 'Q6_K'],
  ])(
    'mixes %s: embedding %s, output %s, first ffn_down %s, queries %s',
    (quant, embedding, output, down, query) => {
      expect([
        type('token_embd.weight', quant),
        type('output.weight', quant),
        type('blk.0.ffn_down.weight', quant),
        type('blk.0.attn_q.weight', quant),
      ]).toEqual([embedding, output, down, query]);
    },
  );

  it('gives more bits to the values and down projections of the first, the last and every third layer', () => {
    const generous = Array.from({ length: 32 }, (_, layer) => layer).filter(
      (layer) => type(`blk.${layer}.attn_v.weight`, 'q4_k_m') === 'Q6_K',
    );
    expect(generous).toEqual([0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]);
    expect(type('blk.4.ffn_down.weight', 'q5_k_m')).toBe('Q5_K');
    expect(type('blk.0.ffn_up.weight', 'q4_k_m')).toBe('Q4_K');
  });

  it('treats the values of an 80-layer model with shared heads more gently', () => {
    expect(type('blk.11.attn_v.weight', 'q4_k_m', 4096, { layerCount: 80 })).toBe('Q5_K');
    expect(type('blk.11.attn_v.weight', 'q4_k_m', 4096, { layerCount: 80, kvHeadCount: 32 })).toBe('Q4_K');
  });

  it('quantises an embedding that is also the output as an output', () => {
    expect(type('token_embd.weight', 'q4_0', 4096, { tiesEmbeddings: true })).toBe('Q6_K');
    expect(type('token_embd.weight', 'q8_0', 4096, { tiesEmbeddings: true })).toBe('Q8_0');
  });

  it('falls back where rows are no whole number of blocks', () => {
    const fallen = (quant: TextQuant, rowElements: number) => type('blk.9.attn_q.weight', quant, rowElements);
    expect([fallen('q4_k_m', 128), fallen('q5_k_m', 128), fallen('q6_k', 128)]).toEqual([
      'Q5_0',
      'Q5_1',
      'Q8_0',
    ]);
    expect([fallen('q4_0', 344), fallen('q8_0', 344), fallen('q4_k_m', 344)]).toEqual(['F16', 'F16', 'F16']);
    expect(type('output.weight', 'q4_0', 128)).toBe('Q8_0');
    expect(type('output.weight', 'q4_k_m', 344)).toBe('F16');
  });

  it('keeps vectors in F32', () => {
    expect(textTensorType({ ggufName: 'blk.0.attn_norm.weight', dimensions: [4096] }, 'q4_0', shape)).toBe(
      'F32',
    );
  });
});

describe('towerTensorType', () => {
  const tower = (ggufName: string, dimensions: number[]) =>
    (['f32', 'f16', 'bf16', 'q8_0'] as const).map((quant) =>
      towerTensorType({ ggufName, dimensions }, quant),
    );

  it('keeps vectors and positions in F32 and the convolution where ggml can convolve', () => {
    expect(tower('v.blk.0.attn_q.weight', [1024, 1024])).toEqual(['F32', 'F16', 'BF16', 'Q8_0']);
    expect(tower('v.blk.0.attn_q.bias', [1024])).toEqual(['F32', 'F32', 'F32', 'F32']);
    expect(tower('v.position_embd.weight', [1024, 577])).toEqual(['F32', 'F32', 'F32', 'F32']);
    expect(tower('v.patch_embd.weight', [14, 14, 3, 1024])).toEqual(['F32', 'F16', 'F32', 'F32']);
    expect(tower('mm.0.weight', [100, 64])).toEqual(['F32', 'F16', 'BF16', 'F16']);
  });
});
