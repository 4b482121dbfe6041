// For tests only: the KV memory of an engine as llama.cpp keeps it. A cell has a position and the slots that hold it; rows name what
// was computed into it. Refuses whatever the real one refuses or would answer wrongly.
import type { Slot } from '../ids.js';
import type { KvMemory } from './kv-owner.js';
import type { RowKey } from './row-key.js';

interface Cell {
  readonly row: RowKey;
  readonly position: number;
  readonly slots: Set<Slot>;
}

export class CellMemory implements KvMemory {
  readonly #cellCount: number;
  #cells: Cell[] = [];

  constructor(cellCount: number) {
    this.#cellCount = cellCount;
  }

  get usedCells(): number {
    return this.#cells.length;
  }

  /** What a slot holds, in order of position; fails where a position is held twice or not at all. */
  rowsOf(slot: Slot): RowKey[] {
    const own = this.#cells.filter(({ slots }) => slots.has(slot)).sort((a, b) => a.position - b.position);
    own.forEach(({ position }, index) => {
      if (position !== index)
        throw new RangeError(`Slot ${slot} holds position ${position} as its ${index}.`);
    });
    return own.map(({ row }) => row);
  }

  /** What a step does: each row goes behind what the slot holds. */
  compute(slot: Slot, rows: readonly RowKey[]): void {
    const first = this.rowsOf(slot).length;
    if (this.#cells.length + rows.length > this.#cellCount) throw new RangeError('The cells are used up.');
    rows.forEach((row, i) => this.#cells.push({ row, position: first + i, slots: new Set([slot]) }));
  }

  share(from: Slot, to: Slot, first: number, end: number): void {
    const shared = this.#between(from, first, end);
    if (shared.length !== end - first) throw new RangeError(`Slot ${from} lacks some of ${first} … ${end}.`);
    if (this.#between(to, first, end).length > 0) throw new RangeError(`Slot ${to} holds some already.`);
    for (const { slots } of shared) slots.add(to);
  }

  forget(slot: Slot, first: number, end: number): void {
    for (const { slots } of this.#between(slot, first, end)) slots.delete(slot);
    this.#cells = this.#cells.filter(({ slots }) => slots.size > 0);
  }

  #between(slot: Slot, first: number, end: number): Cell[] {
    return this.#cells.filter(
      ({ position, slots }) => position >= first && position < end && slots.has(slot),
    );
  }
}
