// Owns the KV cache without sharing: every prompt is computed, and its cells are forgotten at its end. A sequence starts when there
// are cells for its prompt and some of its answer, and takes more while it runs.
import { Defect } from '../../errors.js';
import { toSlot, type Slot } from '../ids.js';
import { claimFor, claimMore } from './claim.js';
import type { KvCounts, KvDemand, KvHandle, KvMemory, KvOwner } from './kv-owner.js';
import type { RowKey } from './row-key.js';

export interface CacheSize {
  /** Cells shared by all sequences. */
  readonly cells: number;
  readonly maxSequences: number;
}

interface Claim extends KvHandle {
  rows: number;
  claimedRows: number;
  readonly maxRows: number;
}

export class UnsharedRows implements KvOwner {
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

  canAdmit(demand: KvDemand): boolean {
    return this.#freeSlots.length > 0 && this.#freeCells >= claimFor(demand);
  }

  admit(demand: KvDemand): KvHandle {
    const claimedRows = claimFor(demand);
    const slot = this.canAdmit(demand) ? this.#freeSlots.shift() : undefined;
    if (slot === undefined) {
      throw new Defect(
        `A sequence of ${claimedRows} cells was admitted to ${this.#freeCells} free cells and ${this.#freeSlots.length} free slots.`,
      );
    }
    const claim = { slot, rows: 0, claimedRows, maxRows: demand.maxRows };
    this.#claims.set(claim, claim);
    this.#freeCells -= claimedRows;
    return claim;
  }

  share(): void {
    // nothing to take over
  }

  isAwaitingRows(): boolean {
    return false;
  }

  grow(handle: KvHandle): boolean {
    const claim = this.#claimOf(handle);
    const more = claimMore(claim.rows, claim, this.#freeCells);
    claim.claimedRows += more;
    this.#freeCells -= more;
    return claim.rows < claim.claimedRows;
  }

  append(handle: KvHandle, rows: readonly RowKey[]): void {
    this.#claimOf(handle).rows += rows.length;
  }

  release(handle: KvHandle): void {
    const { slot, rows, claimedRows } = this.#claimOf(handle);
    this.#claims.delete(handle);
    this.#memory.forget(slot, 0, rows);
    this.#freeSlots.push(slot);
    this.#freeCells += claimedRows;
    this.#ended += 1;
  }

  checkIntegrity(): void {
    const claims = [...this.#claims.values()];
    const claimed = claims.reduce((sum, { claimedRows }) => sum + claimedRows, 0);
    if (claimed + this.#freeCells !== this.#size.cells || this.#freeCells < 0) {
      throw new Defect(`${claimed} cells claimed and ${this.#freeCells} free are not ${this.#size.cells}.`);
    }
    const over = claims.find(({ rows, claimedRows }) => rows > claimedRows);
    if (over !== undefined)
      throw new Defect(`Slot ${over.slot} holds ${over.rows} rows and claims ${over.claimedRows}.`);
    const slots = [...this.#freeSlots, ...claims.map(({ slot }) => slot)];
    if (slots.length !== this.#size.maxSequences || new Set(slots).size !== slots.length) {
      throw new Defect(`Slots ${slots.join(', ')} are not each of ${this.#size.maxSequences} once.`);
    }
  }

  #claimOf(handle: KvHandle): Claim {
    const claim = this.#claims.get(handle);
    if (claim === undefined) throw new Defect(`The sequence in slot ${handle.slot} has ended.`);
    return claim;
  }
}
