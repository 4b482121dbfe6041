// Rows of prompts as numbers, so that prefixes are compared number by number: equal numbers mean equal rows at the model's input. A
// text row is its token id. An image row is numbered by the whole identity of its image and its place in it, never by a shortened
// hash, so two images cannot be taken for each other. Numbers of images are given out once and never again: an image that was
// forgotten gets new ones, which costs a miss and cannot give a wrong hit.

export type RowKey = number;

/** Beyond every token id, which are 32-bit numbers. 2^53 leaves room for a trillion images. */
const FIRST_NUMBER = 2 ** 32;

export class RowNumbers {
  readonly #maxNames: number;
  /** Least recently used first. */
  readonly #firsts = new Map<string, number>();
  #next = FIRST_NUMBER;

  /** @param maxNames that are remembered; more than the cache has cells are of no use */
  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  /** Numbers of the rows of an image. */
  image(identity: string, rows: number): RowKey[] {
    const first = this.#numbers(`image ${identity}`, rows);
    return Array.from({ length: rows }, (_, row) => first + row);
  }

  /**
   * Another number for a row, which only requests of the same salt get. For the first row of a prompt it keeps apart all others
   * too, since they are shared from the first one on or not at all.
   */
  salted(row: RowKey, salt: string): RowKey {
    return this.#numbers(`salted ${row} ${salt}`, 1);
  }

  /**
   * Another number for a row that went through an adapter, whose keys and values are others. For the first row of a prompt it keeps
   * apart all others too.
   */
  adapted(row: RowKey, adapter: string): RowKey {
    return this.#numbers(`adapted ${row} ${adapter}`, 1);
  }

  #numbers(name: string, count: number): number {
    const first = this.#firsts.get(name) ?? this.#next;
    if (first === this.#next) this.#next += count;
    this.#firsts.delete(name);
    this.#firsts.set(name, first);
    if (this.#firsts.size > this.#maxNames) {
      const [oldest = name] = this.#firsts.keys();
      this.#firsts.delete(oldest);
    }
    return first;
  }
}
