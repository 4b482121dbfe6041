// Scores of a tile as a tower could have found them: cosines of drawn vectors, some of them equal, and attention that adds up to one.
import type { Random } from '../../../../../harness/random.js';
import type { PatchScores } from './choose-patches.js';

const WIDTH = 4;

export function drawScores(random: Random, patches: number): PatchScores {
  const vectors: number[][] = [];
  for (let patch = 0; patch < patches; patch += 1) {
    const isCopy = vectors.length > 0 && random.below(4) === 0;
    vectors.push(
      isCopy ? random.pick(vectors) : Array.from({ length: WIDTH }, () => random.below(201) - 100),
    );
  }
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
  const cosine = (a: readonly number[], b: readonly number[]) =>
    dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
  const attention = vectors.map(() => 1 + random.below(100));
  const total = attention.reduce((sum, value) => sum + value, 0);
  return {
    saliency: Float32Array.from(attention, (value) => value / total),
    similarity: Float32Array.from(vectors.flatMap((a) => vectors.map((b) => cosine(a, b)))),
  };
}
