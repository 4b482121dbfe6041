import { describe, expect, it } from 'vitest';
import type { FeatureRows } from '../engine/engine.js';
import { bytesOfBlocks, FeatureMemory, ROWS_PER_BLOCK } from './feature-memory.js';

const WIDTH = 2;

/** Row n has the values `first` + n and its negative. */
const encoded = (rows: number, first = 0): FeatureRows => ({
  rows,
  row: (index) => Float32Array.of(first + index, -first - index),
});

describe('FeatureMemory', () => {
  it.each([1, ROWS_PER_BLOCK, 2 * ROWS_PER_BLOCK + 3])('keeps each of %d rows', (rows) => {
    const features = new FeatureMemory().keep(encoded(rows, 100));
    expect(features.rows).toBe(rows);
    const kept = Array.from({ length: rows }, (_, row) => [...features.row(row)]);
    expect(kept).toEqual(Array.from({ length: rows }, (_, row) => [100 + row, -100 - row]));
    expect(() => features.row(rows)).toThrow(`no row ${rows}`);
  });

  it('counts the bytes of whole blocks', () => {
    const memory = new FeatureMemory();
    const blockBytes = ROWS_PER_BLOCK * WIDTH * Float32Array.BYTES_PER_ELEMENT;
    for (const [rows, blocks] of [
      [1, 1],
      [8, 1],
      [9, 2],
    ] as const) {
      expect(memory.keep(encoded(rows)).byteLength).toBe(blocks * blockBytes);
      expect(bytesOfBlocks(encoded(rows))).toBe(blocks * blockBytes);
    }
  });

  it('holds later features where those lay that were freed, however many rows they have', () => {
    const memory = new FeatureMemory();
    const first = memory.keep(encoded(3 * ROWS_PER_BLOCK));
    const blocks = new Set([0, 1, 2].map((block) => first.row(block * ROWS_PER_BLOCK).buffer));
    memory.free(first);
    const later = [memory.keep(encoded(ROWS_PER_BLOCK + 1, 50)), memory.keep(encoded(2, 70))];
    expect(later.map((features) => features.row(0)[0])).toEqual([50, 70]);
    const used = [later[0]?.row(0), later[0]?.row(ROWS_PER_BLOCK), later[1]?.row(0)];
    expect(new Set(used.map((row) => row?.buffer))).toEqual(blocks);
  });

  it('refuses as a defect that freed features are read or freed again', () => {
    const memory = new FeatureMemory();
    const features = memory.keep(encoded(1));
    memory.free(features);
    expect(() => features.row(0)).toThrow('after they had been freed');
    expect(() => memory.free(features)).toThrow('after they had been freed');
  });

  it('leaves what is spare beyond a bound to the garbage collector', () => {
    const memory = new FeatureMemory();
    const first = memory.keep(encoded(3 * ROWS_PER_BLOCK));
    const blocks = new Set([0, 1, 2].map((block) => first.row(block * ROWS_PER_BLOCK).buffer));
    memory.free(first);
    memory.limitSpare((2 * first.byteLength) / 3);
    const later = [1, 2, 3].map((n) => memory.keep(encoded(n)).row(0).buffer);
    expect(later.map((buffer) => blocks.has(buffer))).toEqual([true, true, false]);
  });
});
