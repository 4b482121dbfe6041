// How many KV cells a reader gets: enough for one sequence of full length, and for more of them while memory lasts.

export interface KvDemand {
  /** Bytes of keys and values of one position, over all layers. */
  readonly bytesPerCell: number;
  readonly contextTokens: number;
  readonly maxSequences: number;
  readonly freeMemoryBytes: number;
}

/** Share of the free memory that the cache may take; the rest is for activations, image features and the page cache. */
const MEMORY_SHARE = 0.3;
/** More cells than this help no machine of the sizes served here and cost time to clear. */
const MAX_CACHE_BYTES = 16 * 2 ** 30;

/** Cells for all sequences together, a multiple of 256 as llama.cpp rounds it. */
export function chooseCells({
  bytesPerCell,
  contextTokens,
  maxSequences,
  freeMemoryBytes,
}: KvDemand): number {
  const affordable = Math.floor(Math.min(freeMemoryBytes * MEMORY_SHARE, MAX_CACHE_BYTES) / bytesPerCell);
  const wanted = Math.min(contextTokens * maxSequences, affordable);
  return Math.ceil(Math.max(contextTokens, wanted) / 256) * 256;
}
