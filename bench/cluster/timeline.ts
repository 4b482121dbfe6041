// Simulated time: what happens next, in the order of its moment, and of its announcement where moments are equal.

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

export class Timeline {
  /** A binary heap; the next one is the first. */
  readonly #heap: Happening[] = [];
  #order = 0;
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, happen: () => void): void {
    this.#order += 1;
    this.#heap.push({ atMs: this.#nowMs + delayMs, order: this.#order, happen });
    this.#rise(this.#heap.length - 1);
  }

  every(intervalMs: number, firstMs: number, happen: () => boolean): void {
    const again = (): void => {
      if (happen()) this.after(intervalMs, again);
    };
    this.after(firstMs, again);
  }

  /** Until nothing is left to happen. */
  run(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#nowMs = next.atMs;
      next.happen();
    }
  }

  #take(): Happening | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#heap[0] = last;
    this.#sink();
    return first;
  }

  #rise(index: number): void {
    for (let at = index; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isEarlier(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ;) {
      const left = at * 2 + 1;
      const right = left + 1;
      let least = at;
      if (left < this.#heap.length && this.#isEarlier(left, least)) least = left;
      if (right < this.#heap.length && this.#isEarlier(right, least)) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isEarlier(one: number, other: number): boolean {
    const a = this.#heap[one]!;
    const b = this.#heap[other]!;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    [this.#heap[one], this.#heap[other]] = [this.#heap[other]!, this.#heap[one]!];
  }
}
