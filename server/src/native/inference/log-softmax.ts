// Log probabilities of a row of logits: of the token that is sampled later, and of the most probable ones. Reads the logits once,
// when it is made, so that they may be changed afterwards everywhere but at the sampled token.
import type { RankedId, SampledLogprobs } from './jobs.js';

/** Told in place of minus infinity, which JSON lacks; the OpenAI API uses it too. */
const LEAST_LOGPROB = -9999;
const finite = (logprob: number): number => (logprob > LEAST_LOGPROB ? logprob : LEAST_LOGPROB);

export class LogSoftmax {
  readonly #logits: Float32Array;
  /** Logarithm of the sum of all exponentials. */
  readonly #logSum: number;
  readonly #top: readonly RankedId[];

  /** @param topCount how many of the most probable tokens are told */
  constructor(logits: Float32Array, topCount: number) {
    this.#logits = logits;
    // Largest logits first; a handful, so that moving the smaller ones up is cheaper than a heap.
    const best: { token: number; logit: number }[] = [];
    let largest = -Infinity;
    for (let token = 0; token < logits.length; token += 1) {
      const logit = logits[token] ?? -Infinity;
      if (logit > largest) largest = logit;
      if (best.length === topCount && logit <= (best.at(-1)?.logit ?? Infinity)) continue;
      let at = best.length;
      while (at > 0 && logit > (best[at - 1]?.logit ?? Infinity)) at -= 1;
      best.splice(at, 0, { token, logit });
      if (best.length > topCount) best.pop();
    }
    let sum = 0;
    for (const logit of logits) sum += Math.exp(logit - largest);
    this.#logSum = largest + Math.log(sum);
    this.#top = best.map(({ token, logit }) => ({ token, logprob: finite(logit - this.#logSum) }));
  }

  tell(token: number): SampledLogprobs {
    return { logprob: finite((this.#logits[token] ?? -Infinity) - this.#logSum), top: this.#top };
  }
}
