import { describe, expect, it } from 'vitest';
import { chooseCells } from './kv-budget.js';

const GIB = 2 ** 30;

describe('chooseCells', () => {
  it.each([
    {
      name: 'all sequences at full length where memory allows',
      bytesPerCell: 1024,
      contextTokens: 2048,
      maxSequences: 8,
      free: 8 * GIB,
      cells: 16384,
    },
    {
      name: 'one full sequence even where memory is short',
      bytesPerCell: 512 * 1024,
      contextTokens: 4096,
      maxSequences: 8,
      free: GIB,
      cells: 4096,
    },
    {
      name: 'what fits in the share of memory in between',
      bytesPerCell: 512 * 1024,
      contextTokens: 4096,
      maxSequences: 8,
      free: 20 * GIB,
      cells: 12288,
    },
    {
      name: 'rounded up to 256',
      bytesPerCell: 1024,
      contextTokens: 100,
      maxSequences: 1,
      free: GIB,
      cells: 256,
    },
  ])('$name', ({ bytesPerCell, contextTokens, maxSequences, free, cells }) => {
    expect(chooseCells({ bytesPerCell, contextTokens, maxSequences, freeMemoryBytes: free })).toBe(cells);
  });
});
