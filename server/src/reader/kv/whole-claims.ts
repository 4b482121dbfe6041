// Owns the KV cache by claiming for each sequence, when it starts, every cell that it may ever need. No sequence runs out half way
// and none is ever put back; the price is that cells are held for answers that end early. It shares nothing: every prompt is
// computed, and its cells are forgotten at its end.
import { Defect } from '../../errors.js';
import { toSlot, type Slot } from '../ids.js';
import type { KvCounts, KvDemand, KvHandle, KvMemory, KvOwner } from './kv-owner.js';
import type { RowKey } from './row-key.js';

export interface CacheSize {
  /** Cells shared by all sequences. */
  readonly cells: number;
  readonly maxSequences: number;
}

interface Claim extends KvHandle {
  rows: number;
  readonly maxRows: number;
}

export class WholeClaims implements KvOwner {
  readonly #size: CacheSize;
  readonly #memory: KvMemory;
  readonly #freeSlots: Slot[];
  readonly #claims = new Map<KvHandle, Claim>();
  #freeCells: number;
  #ended = 0;

  constructor(size: CacheSize, memory: KvMemory) {
    this.#size = size;
    this.#memory = memory;
    this.#freeCells = size.cells;
    this.#freeSlots = Array.from({ length: size.maxSequences }, (_, index) => toSlot(index));
  }

  get counts(): KvCounts {
    const { cells } = this.#size;
    const heldCells = cells - this.#freeCells;
    return { cells, heldCells, cachedCells: 0, hits: 0, misses: this.#ended, sharedRows: 0, evictedRows: 0 };
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
    const claim = { slot, rows: 0, maxRows: demand.maxRows };
    this.#claims.set(claim, claim);
    this.#freeCells -= claim.maxRows;
    return claim;
  }

  share(): void {
    // nothing to take over
  }

  isAwaitingRows(): boolean {
    return false;
  }

  append(handle: KvHandle, rows: readonly RowKey[]): void {
    this.#claimOf(handle).rows += rows.length;
  }

  release(handle: KvHandle): void {
    const { slot, rows, maxRows } = this.#claimOf(handle);
    this.#claims.delete(handle);
    this.#memory.forget(slot, 0, rows);
    this.#freeSlots.push(slot);
    this.#freeCells += maxRows;
    this.#ended += 1;
  }

  checkIntegrity(): void {
    const claimed = [...this.#claims.values()].reduce((sum, { maxRows }) => sum + maxRows, 0);
    if (claimed + this.#freeCells !== this.#size.cells || this.#freeCells < 0) {
      throw new Defect(`${claimed} cells claimed and ${this.#freeCells} free are not ${this.#size.cells}.`);
    }
    const slots = [...this.#freeSlots, ...[...this.#claims.keys()].map(({ slot }) => slot)];
    if (slots.length !== this.#size.maxSequences || new Set(slots).size !== slots.length) {
      throw new Defect(`Slots ${slots.join(', ')} are not each of ${this.#size.maxSequences} once.`);
    }
  }

  #claimOf(handle: KvHandle): Claim {
    const claim = this.#claims.get(handle);
    if (claim === undefined) throw new Defect(`Slot ${handle.slot} was released twice.`);
    return claim;
  }
}
