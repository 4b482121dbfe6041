// Pseudo-random numbers (xorshift32) from a seed, for tests that try many cases and must fail the same way again, and for measurements
// that compare servers by the same requests.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** `sequence` cut into chunks of 0 to `longest` elements. */
  chunks<T>(sequence: readonly T[], longest: number): T[][] {
    const chunks: T[][] = [];
    for (let at = 0; at < sequence.length;) {
      const next = at + this.below(longest + 1);
      chunks.push(sequence.slice(at, next));
      at = next;
    }
    return chunks;
  }
}
