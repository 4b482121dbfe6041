// What a reader counts of its work, told with every heartbeat. Totals begin at zero with each life of the reader. Counts only: no
// text, no identity and nothing of a client.
import { z } from 'zod';

/** Rows of a step: powers of two up to the largest batch. */
export const STEP_ROWS_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;
/** Milliseconds of a step or of a slice of vision work: from a tiny model to a large one on a small machine. */
export const STEP_MS_BOUNDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;

const count = z.int().min(0);
const amount = z.number().min(0);

/** Measurements sorted into buckets by upper bounds, one bucket more for what is above them all; and their sum. */
const tally = (bounds: readonly number[]) =>
  z.object({ counts: z.array(count).length(bounds.length + 1), sum: amount });

export const readerCountsSchema = z.object({
  /** Prompts with a place, and prompts that wait for one. */
  prompts: z.object({ running: count, waiting: count }),
  steps: z.object({
    rows: tally(STEP_ROWS_BOUNDS),
    ms: tally(STEP_MS_BOUNDS),
    /** In which answers went on, and in which prompts did. */
    decoding: count,
    prefilling: count,
    /** Answers that went on in the last one. */
    lastDecodeRows: count,
  }),
  visionSlicesMs: tally(STEP_MS_BOUNDS),
  generatedTokens: count,
  /** Sequences that were put back into the queue because cells ran out, by what they were at. */
  putBack: z.object({ prefill: count, decode: count }),
  kv: z.object({
    cells: count,
    /** Bytes of keys and values of one cell. */
    cellBytes: amount,
    heldCells: count,
    cachedCells: count,
    /** What the prompt whose turn it is needs to start. */
    requiredCells: count,
    hits: count,
    misses: count,
    sharedRows: count,
    evictedRows: count,
  }),
  features: z.object({
    bytes: amount,
    maxBytes: amount,
    /** Images of prompts whose features were there, were made, or were being made for another prompt. */
    hits: count,
    misses: count,
    joined: count,
  }),
});

export type ReaderCounts = z.infer<typeof readerCountsSchema>;
export type Tally = ReaderCounts['visionSlicesMs'];

const emptyTally = (bounds: readonly number[]) => ({ counts: [...bounds, 0].map(() => 0), sum: 0 });

/** Of a reader that has done nothing, or nothing of its own: what a cluster computes is counted there. */
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
