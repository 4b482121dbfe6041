import { describe, expect, it } from 'vitest';
import { Random } from '../../../../../harness/random.js';
import { choosePatches, type PatchScores } from './choose-patches.js';
import { drawScores } from './drawn-scores.fixture.js';

const all = ({ saliency }: PatchScores): number[] => Array.from(saliency, (_, patch) => patch);

/** The definition, without the short cut: every score anew for every choice. */
function chooseSlowly({ saliency, similarity }: PatchScores, candidates: readonly number[], count: number) {
  const patches = saliency.length;
  const chosen: number[] = [];
  while (chosen.length < count) {
    const scored = candidates
      .filter((patch) => !chosen.includes(patch))
      .map((patch) => {
        const gain = candidates.reduce((sum, other) => {
          const before = Math.max(0, ...chosen.map((c) => similarity[c * patches + other]!));
          return sum + Math.max(0, similarity[patch * patches + other]! - before);
        }, 0);
        return { patch, score: gain * saliency[patch]! };
      });
    chosen.push(scored.reduce((best, next) => (next.score > best.score ? next : best)).patch);
  }
  return chosen;
}

describe('choosePatches', () => {
  it('covers two groups of equal patches before it takes a second one of either', () => {
    const groups = [0, 0, 0, 1, 1];
    const similarity = Float32Array.from(groups.flatMap((a) => groups.map((b) => (a === b ? 1 : 0))));
    const saliency = Float32Array.of(0.1, 0.3, 0.2, 0.2, 0.2);
    const scores = { saliency, similarity };
    expect(choosePatches(scores, all(scores), 2)).toEqual([1, 3]);
  });

  it('prefers what the class token looks at among patches that cover as much', () => {
    const similarity = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const scores = { saliency: Float32Array.of(0.2, 0.5, 0.3), similarity };
    expect(choosePatches(scores, all(scores), 3)).toEqual([1, 2, 0]);
  });

  it('takes the first candidates where nothing tells patches apart', () => {
    const scores = { saliency: new Float32Array(4).fill(0.25), similarity: new Float32Array(16).fill(1) };
    expect(choosePatches(scores, [3, 1, 2], 2)).toEqual([3, 1]);
  });

  it('chooses whatever the tower gives, also without a number', () => {
    const scores = { saliency: new Float32Array(3).fill(NaN), similarity: new Float32Array(9).fill(NaN) };
    expect(choosePatches(scores, all(scores), 3)).toEqual([0, 1, 2]);
  });

  it('chooses as its definition does, and a smaller choice is the beginning of a larger one', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = new Random(seed);
      const scores = drawScores(random, 2 + random.below(14));
      const candidates = all(scores).filter(() => random.below(4) > 0);
      const count = random.below(candidates.length + 1);
      const chosen = choosePatches(scores, candidates, count);
      expect(chosen, `seed ${seed}`).toEqual(chooseSlowly(scores, candidates, count));
      expect(choosePatches(scores, candidates, candidates.length).slice(0, count)).toEqual(chosen);
    }
  });
});
