// How many cells a sequence claims: when it starts, those of its prompt and a few of its answer; while it runs, a few more each time
// they are used up. Answers mostly end long before they may, so claiming all that one may ever need would keep others waiting.
import type { KvDemand } from './kv-owner.js';

/**
 * Cells of the answer that are claimed at a time. Fewer would put sequences back into the queue more often, which costs computing
 * their rows again; more would keep cells from others. An answer about an image has some 50 to 100 tokens.
 */
export const CLAIM_STEP = 32;

/** Cells that a sequence claims when it starts. */
export const claimFor = ({ promptRows, maxRows }: KvDemand): number =>
  Math.min(maxRows, promptRows.length + CLAIM_STEP);

export interface RunningClaim {
  readonly claimedRows: number;
  /** More it never needs. */
  readonly maxRows: number;
}

/**
 * Cells that a running sequence with `rows` rows claims beside those that it has: none while one of these is left, and no more than are free.
 */
export function claimMore(rows: number, { claimedRows, maxRows }: RunningClaim, freeCells: number): number {
  if (rows < claimedRows) return 0;
  return Math.max(0, Math.min(CLAIM_STEP, maxRows - claimedRows, freeCells));
}
