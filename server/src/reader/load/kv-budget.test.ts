import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../errors.js';
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
    expect(
      chooseCells({ bytesPerCell, contextTokens, maxSequences, pageCacheSize: null, freeMemoryBytes: free }),
    ).toBe(cells);
  });

  const demand = { bytesPerCell: 1000, contextTokens: 2048, maxSequences: 1, freeMemoryBytes: 100_000_000 };

  it('are as many as page_cache_size holds, also more than all sequences at full length', () => {
    expect(chooseCells({ ...demand, pageCacheSize: 10_000_000 })).toBe(9984);
    expect(chooseCells({ ...demand, pageCacheSize: '3%' })).toBe(2816);
  });

  it('must be enough for one sequence of full length, and the refusal has the numbers', () => {
    expect(chooseCells({ ...demand, pageCacheSize: 2_048_000 })).toBe(2048);
    expect(() => chooseCells({ ...demand, pageCacheSize: 2_047_999 })).toThrow(ConfigError);
    expect(() => chooseCells({ ...demand, pageCacheSize: '1%' })).toThrow(
      'page_cache_size is 1%, now 1000000 bytes, which hold 768 tokens; one prompt and its answer may have 2048, which need 2048000 bytes.',
    );
  });
});
