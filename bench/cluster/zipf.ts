// Which image a request is about: the n-th most wanted one n times less often than the first.
import type { Random } from '../../harness/random.js';

const RESOLUTION = 2 ** 31;

export class Zipf {
  /** How often one of the first n is wanted, all together 1. */
  readonly #shares: Float64Array;

  constructor(count: number) {
    this.#shares = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank += 1) {
      sum += 1 / (rank + 1);
      this.#shares[rank] = sum;
    }
    for (let rank = 0; rank < count; rank += 1) this.#shares[rank]! /= sum;
  }

  draw(random: Random): number {
    const wanted = random.below(RESOLUTION) / RESOLUTION;
    let low = 0;
    let high = this.#shares.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#shares[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
