// The contract of whoever owns the KV cache: its slots and its cells. It alone decides whether a sequence can start, which place
// it gets, which rows it need not compute, and when cells are free again; it alone tells the engine to share and to forget them.
// The loop asks, reports what was computed and gives back; it counts nothing itself. There are two: shared-prefixes.ts keeps
// what was computed for others that begin alike, unshared-rows.ts shares nothing.
import type { Slot } from '../ids.js';
import type { RowKey } from './row-key.js';

/** What a sequence needs of the cache. */
export interface KvDemand {
  /** What is computed before it answers or answers on, row by row: its prompt, images included, and the answer so far. */
  readonly promptRows: readonly RowKey[];
  /** Cells that it may grow to, prompt and answer together. */
  readonly maxRows: number;
}

/** A sequence's hold on the cache, from `admit` to `release`. */
export interface KvHandle {
  readonly slot: Slot;
  /** Rows of the sequence that are in the cache now, computed for it or shared. */
  readonly rows: number;
}

export interface KvOwner {
  /** Whether a sequence can start now. */
  canAdmit(demand: KvDemand): boolean;
  /** Starts one. @throws Defect where `canAdmit` says no */
  admit(demand: KvDemand): KvHandle;
  /**
   * Takes over the next rows of a sequence's prompt as far as they are in the cache, all but the last one: from that the first
   * token is sampled, so it is always computed.
   */
  share(handle: KvHandle): void;
  /** Whether a sequence that started earlier is about to compute the next row of this one's prompt: waiting is sooner then. */
  isAwaitingRows(handle: KvHandle): boolean;
  /**
   * Makes sure that the next row of a running sequence has a cell, which those of its prompt have. False when running sequences
   * hold all: then one of them must be released.
   */
  grow(handle: KvHandle): boolean;
  /** Records rows that were computed for a sequence, behind those that it has. */
  append(handle: KvHandle, rows: readonly RowKey[]): void;
  /** Ends one, or puts one back that will be admitted again: its cells may be used by others. @throws Defect for a handle that was released before */
  release(handle: KvHandle): void;
  /** What is in the cache now, and what has been found in it so far. */
  readonly counts: KvCounts;
  /** @throws Defect when the books do not add up: cells, slots, and who holds which row */
  checkIntegrity(): void;
}

export interface KvCounts {
  readonly cells: number;
  /** Cells that running sequences hold or may still take. */
  readonly heldCells: number;
  /** Cells with rows that no running sequence holds, kept for those to come. */
  readonly cachedCells: number;
  /** Ended sequences that found rows of their prompt in the cache, and that found none. */
  readonly hits: number;
  readonly misses: number;
  /** Prompt rows that were found, so that they were not computed again. */
  readonly sharedRows: number;
  /** Rows that had to make room. */
  readonly evictedRows: number;
}

/** What the owner needs of the engine. Positions are counted from 0; `end` is the first one that is not meant. */
export interface KvMemory {
  /** Lets another slot, which holds none of these positions, hold the cells of a slot too. */
  share(from: Slot, to: Slot, first: number, end: number): void;
  /** Forgets positions of a slot; a cell is free when no slot holds it any more. */
  forget(slot: Slot, first: number, end: number): void;
}
