// From what the tower computed of a tile to what its patches are chosen by.
import type { PatchScores } from './choose-patches.js';

/** As the tower gives it, the class token in front of the patches. */
export interface ClassTokenView {
  /** Of the class token to each row, f32 [heads, rows]; each head's adds up to one. */
  readonly attention: Float32Array;
  /** Scalar products of rows, f32 [rows, rows]. */
  readonly products: Float32Array;
}

export function patchScores({ attention, products }: ClassTokenView): PatchScores {
  const rows = Math.sqrt(products.length);
  const heads = attention.length / rows;
  const patches = rows - 1;
  const saliency = new Float32Array(patches);
  const lengths = new Float32Array(patches);
  for (let patch = 0; patch < patches; patch += 1) {
    let sum = 0;
    for (let head = 0; head < heads; head += 1) sum += attention[head * rows + patch + 1] ?? 0;
    saliency[patch] = sum / heads;
    lengths[patch] = Math.sqrt(products[(patch + 1) * (rows + 1)] ?? 0);
  }
  const similarity = new Float32Array(patches * patches);
  for (let a = 0; a < patches; a += 1) {
    for (let b = 0; b < patches; b += 1) {
      const product = products[(a + 1) * rows + b + 1] ?? 0;
      // A row of zeros is like no other.
      similarity[a * patches + b] = product === 0 ? 0 : product / ((lengths[a] ?? 0) * (lengths[b] ?? 0));
    }
  }
  return { saliency, similarity };
}
