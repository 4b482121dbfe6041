// Rows of prompts as numbers, so that prefixes are compared number by number: equal numbers mean equal rows at the model's input. A
// text row is its token id. An image row is numbered by the whole identity of its image and its place in it, never by a shortened
// hash, so two images cannot be taken for each other. Numbers of images are given out once and never again: an image that was
// forgotten gets new ones, which costs a miss and cannot give a wrong hit.

export type RowKey = number;

/** Beyond every token id, which are 32-bit numbers. 2^53 leaves room for a trillion images. */
const FIRST_NUMBER = 2 ** 32;

/** How many times the rows that are remembered fill the cache. Not once, since rows of some may have been evicted before those of others. */
const FILLINGS = 4;

interface Numbers {
  readonly first: number;
  readonly rows: number;
}

export class RowNumbers {
  readonly #cells: number;
  /** Least recently used first. */
  readonly #named = new Map<string, Numbers>();
  /** Of all that have a name. */
  #rows = 0;
  #next = FIRST_NUMBER;

  /** @param cells of the cache: no more names are remembered, and no more rows than fill it a few times */
  constructor(cells: number) {
    this.#cells = cells;
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
    const named = this.#named.get(name) ?? this.#give(count);
    this.#named.delete(name);
    this.#named.set(name, named);
    for (const [oldest, { rows }] of this.#named) {
      const isFull = this.#named.size > this.#cells || this.#rows > FILLINGS * this.#cells;
      if (!isFull || oldest === name) break;
      this.#named.delete(oldest);
      this.#rows -= rows;
    }
    return named.first;
  }

  #give(rows: number): Numbers {
    const first = this.#next;
    this.#next += rows;
    this.#rows += rows;
    return { first, rows };
  }
}
