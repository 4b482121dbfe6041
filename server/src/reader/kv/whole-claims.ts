// Owns the KV cache by claiming for each sequence, when it starts, every cell that it may ever need. No sequence runs out half way
// and none is ever put back; the price is that cells are held for answers that end early.
import { Defect } from '../../errors.js';
import { toSlot, type Slot } from '../ids.js';
import type { KvDemand, KvHandle, KvMemory, KvOwner } from './kv-owner.js';

export interface CacheSize {
  /** Cells shared by all sequences. */
  readonly cells: number;
  readonly maxSequences: number;
}

export class WholeClaims implements KvOwner {
  readonly #size: CacheSize;
  readonly #memory: KvMemory;
  readonly #freeSlots: Slot[];
  readonly #claims = new Map<KvHandle, number>();
  #freeCells: number;

  constructor(size: CacheSize, memory: KvMemory) {
    this.#size = size;
    this.#memory = memory;
    this.#freeCells = size.cells;
    this.#freeSlots = Array.from({ length: size.maxSequences }, (_, index) => toSlot(index));
  }

  get heldCells(): number {
    return this.#size.cells - this.#freeCells;
  }

  canAdmit({ maxRows }: KvDemand): boolean {
    return this.#freeSlots.length > 0 && this.#freeCells >= maxRows;
  }

  admit(demand: KvDemand): KvHandle {
    const slot = this.canAdmit(demand) ? this.#freeSlots.shift() : undefined;
    if (slot === undefined) {
      throw new Defect(
        `A sequence of ${demand.maxRows} cells was admitted to ${this.#freeCells} free cells and ${this.#freeSlots.length} free slots.`,
      );
    }
    const handle = { slot };
    this.#claims.set(handle, demand.maxRows);
    this.#freeCells -= demand.maxRows;
    return handle;
  }

  release(handle: KvHandle): void {
    const cells = this.#claims.get(handle);
    if (cells === undefined) throw new Defect(`Slot ${handle.slot} was released twice.`);
    this.#claims.delete(handle);
    this.#memory.forget(handle.slot);
    this.#freeSlots.push(handle.slot);
    this.#freeCells += cells;
  }

  checkIntegrity(): void {
    const claimed = [...this.#claims.values()].reduce((sum, cells) => sum + cells, 0);
    if (claimed + this.#freeCells !== this.#size.cells || this.#freeCells < 0) {
      throw new Defect(`${claimed} cells claimed and ${this.#freeCells} free are not ${this.#size.cells}.`);
    }
    const slots = [...this.#freeSlots, ...[...this.#claims.keys()].map(({ slot }) => slot)];
    if (slots.length !== this.#size.maxSequences || new Set(slots).size !== slots.length) {
      throw new Defect(`Slots ${slots.join(', ')} are not each of ${this.#size.maxSequences} once.`);
    }
  }
}
