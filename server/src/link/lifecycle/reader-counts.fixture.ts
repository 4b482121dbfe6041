// For tests only: the counts of a reader that has done nothing.
import { STEP_MS_BOUNDS, STEP_ROWS_BOUNDS, type ReaderCounts } from './reader-counts.js';

const emptyTally = (bounds: readonly number[]) => ({ counts: [...bounds, 0].map(() => 0), sum: 0 });

export const NOTHING_COUNTED: ReaderCounts = {
  prompts: { running: 0, waiting: 0 },
  steps: {
    rows: emptyTally(STEP_ROWS_BOUNDS),
    ms: emptyTally(STEP_MS_BOUNDS),
    decoding: 0,
    prefilling: 0,
    lastDecodeRows: 0,
  },
  visionSlicesMs: emptyTally(STEP_MS_BOUNDS),
  generatedTokens: 0,
  putBack: { prefill: 0, decode: 0 },
  kv: {
    cells: 0,
    cellBytes: 0,
    heldCells: 0,
    cachedCells: 0,
    requiredCells: 0,
    hits: 0,
    misses: 0,
    sharedRows: 0,
    evictedRows: 0,
  },
  features: { bytes: 0, maxBytes: 0, hits: 0, misses: 0, joined: 0 },
};
