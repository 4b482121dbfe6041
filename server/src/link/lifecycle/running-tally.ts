// Counts measurements by the bucket that they fall into, and adds them up.
import type { Tally } from './reader-counts.js';

export class RunningTally {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds the upper bounds of buckets, ascending; one bucket more takes what is above the last */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = found === -1 ? this.#bounds.length : found;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
  }

  /** Of everything that was added. */
  get count(): number {
    return this.#count;
  }

  get tally(): Tally {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}
