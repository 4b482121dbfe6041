import { describe, expect, it } from 'vitest';
import { patchScores } from './patch-scores.js';

describe('patchScores', () => {
  it('takes the mean of the heads, and cosines, without the class token', () => {
    // Rows: the class token (9, 9), and patches (3, 4), (0, 2) and (0, 0).
    const vectors = [
      [9, 9],
      [3, 4],
      [0, 2],
      [0, 0],
    ];
    const products = vectors.flatMap(([a = 0, b = 0]) => vectors.map(([c = 0, d = 0]) => a * c + b * d));
    const attention = [0.2, 0.5, 0.25, 0.05, 0.4, 0.25, 0.25, 0.1];
    const scores = patchScores({
      attention: Float32Array.from(attention),
      products: Float32Array.from(products),
    });
    expect([...scores.saliency]).toEqual([...Float32Array.of(0.375, 0.25, 0.075)]);
    expect([...scores.similarity]).toEqual([...Float32Array.of(1, 0.8, 0, 0.8, 1, 0, 0, 0, 0)]);
  });
});
