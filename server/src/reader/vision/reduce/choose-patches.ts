// Which patches of a tile say most of it: each is the one that adds most to what the chosen ones cover, weighted by how much the class
// token looks at it. What a choice covers of a patch is the largest cosine to a chosen one, or nothing where all are negative. This is
// SCOPE with α = 1 (Deng et al., NeurIPS 2025, arXiv:2510.24214). No question is looked at, so the choice belongs to the image alone,
// and a smaller choice is the beginning of a larger one.

/** What the tower found out about the patches of one tile. */
export interface PatchScores {
  /** How much the class token looks at each patch, f32 [patches]. */
  readonly saliency: Float32Array;
  /** Cosines between patches, f32 [patches, patches]. */
  readonly similarity: Float32Array;
}

/**
 * @param candidates patches to choose from, and to cover
 * @param count at most as many as there are candidates
 * @returns in the order of their choice; among equals the first candidate comes first
 */
export function choosePatches(
  { saliency, similarity }: PatchScores,
  candidates: readonly number[],
  count: number,
): number[] {
  const patches = saliency.length;
  const covered = new Float64Array(candidates.length);
  const gainOf = (patch: number): number => {
    let gain = 0;
    for (let i = 0; i < candidates.length; i += 1) {
      const more = (similarity[patch * patches + (candidates[i] ?? 0)] ?? 0) - (covered[i] ?? 0);
      if (more > 0) gain += more;
    }
    return gain * (saliency[patch] ?? 0);
  };
  const queue = new FallingScores(candidates.map(gainOf));
  return Array.from({ length: count }, () => {
    const chosen = candidates[queue.take((index) => gainOf(candidates[index] ?? 0))] ?? 0;
    candidates.forEach((patch, i) => {
      covered[i] = Math.max(covered[i] ?? 0, similarity[chosen * patches + patch] ?? 0);
    });
    return chosen;
  });
}

/**
 * Takes the greatest of scores that only fall: one is computed anew only when its old value is the greatest. The sums are added up in
 * one order, so that rounding cannot make one rise.
 */
class FallingScores {
  readonly #scores: Float64Array;
  /** After how many takings each was computed. */
  readonly #computedAt: Int32Array;
  readonly #taken: Uint8Array;
  #takings = 0;

  constructor(scores: readonly number[]) {
    this.#scores = Float64Array.from(scores);
    this.#computedAt = new Int32Array(scores.length);
    this.#taken = new Uint8Array(scores.length);
  }

  /** Index of the greatest; the first of equals. */
  take(compute: (index: number) => number): number {
    let best = this.#greatest();
    while (this.#computedAt[best] !== this.#takings) {
      this.#scores[best] = compute(best);
      this.#computedAt[best] = this.#takings;
      best = this.#greatest();
    }
    this.#taken[best] = 1;
    this.#takings += 1;
    return best;
  }

  #greatest(): number {
    let best = this.#taken.indexOf(0);
    for (let index = best + 1; index < this.#scores.length; index += 1) {
      if (this.#taken[index] === 0 && (this.#scores[index] ?? 0) > (this.#scores[best] ?? 0)) best = index;
    }
    return best;
  }
}
