// How many KV cells a reader gets: what the operator says; otherwise enough for one sequence of full length, and for more of them
// while memory lasts.
import { ConfigError } from '../../errors.js';
import { bytesOf, type MemorySize } from '../../model/memory-size.js';

export interface KvDemand {
  /** Bytes of keys and values of one position, over all layers. */
  readonly bytesPerCell: number;
  readonly contextTokens: number;
  readonly maxSequences: number;
  /** What the operator allows; null lets the free memory decide. */
  readonly pageCacheSize: MemorySize | null;
  readonly freeMemoryBytes: number;
}

/** Share of the free memory that the cache may take; the rest is for activations, image features and the page cache. */
const MEMORY_SHARE = 0.3;
/** More cells than this help no machine of the sizes served here and cost time to clear. */
const MAX_CACHE_BYTES = 16 * 2 ** 30;

/** llama.cpp rounds to a multiple of this. */
export const CELL_STEP = 256;

/**
 * Cells for all sequences together, a multiple of 256.
 * @throws ConfigError when page_cache_size has no room for one sequence of full length
 */
export function chooseCells(demand: KvDemand): number {
  const { bytesPerCell, contextTokens, maxSequences, pageCacheSize, freeMemoryBytes } = demand;
  if (pageCacheSize !== null) return cellsIn(pageCacheSize, demand);
  const affordable = Math.floor(Math.min(freeMemoryBytes * MEMORY_SHARE, MAX_CACHE_BYTES) / bytesPerCell);
  const wanted = Math.min(contextTokens * maxSequences, affordable);
  return roundedUp(Math.max(contextTokens, wanted));
}

function cellsIn(size: MemorySize, { bytesPerCell, contextTokens, freeMemoryBytes }: KvDemand): number {
  const bytes = bytesOf(size, freeMemoryBytes);
  const cells = Math.floor(bytes / bytesPerCell / CELL_STEP) * CELL_STEP;
  const least = roundedUp(contextTokens);
  if (cells >= least) return cells;
  throw new ConfigError(
    `page_cache_size is ${size}${typeof size === 'string' ? `, now ${bytes}` : ''} bytes, which hold ${cells} tokens; one prompt and its answer may have ` +
      `${contextTokens}, which need ${least * bytesPerCell} bytes. Allow more, or set a smaller max_sequence_length.`,
  );
}

export const roundedUp = (cells: number): number => Math.ceil(cells / CELL_STEP) * CELL_STEP;
