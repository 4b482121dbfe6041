// The contract of whoever owns the KV cache: its slots and its cells. It alone decides whether a sequence can start, which place
// it gets, and when cells are free again; it alone tells the engine to forget them. The loop asks and gives back, and counts
// nothing itself. Claiming cells whole (whole-claims.ts) is one way to do it; sharing the rows of common prefixes is another.
import type { Slot } from '../ids.js';

/** What a sequence needs of the cache. */
export interface KvDemand {
  /** Cells of its prompt, images included. */
  readonly promptRows: number;
  /** Cells that it may grow to, prompt and answer together. */
  readonly maxRows: number;
}

/** A sequence's hold on the cache, from `admit` to `release`. */
export interface KvHandle {
  readonly slot: Slot;
}

export interface KvOwner {
  /** Whether a sequence can start now. */
  canAdmit(demand: KvDemand): boolean;
  /** Starts one. @throws Defect where `canAdmit` says no */
  admit(demand: KvDemand): KvHandle;
  /** Ends one: its cells may be used again. @throws Defect for a handle that was released before */
  release(handle: KvHandle): void;
  /** Cells that sequences hold now. */
  readonly heldCells: number;
  /** @throws Defect when what is held and what is free are not the whole cache, or a slot is in two places */
  checkIntegrity(): void;
}

/** What the owner needs of the engine. */
export interface KvMemory {
  /** Forgets all cells of a slot. */
  forget(slot: Slot): void;
}
