import { describe, expect, it } from 'vitest';
import type { ImageLayout } from '../../image/geometry.js';
import type { FeatureRows } from '../engine/engine.js';
import { mergeTiles } from './merge.js';

/** Tiles of 2 × 2 patches and width 1; patch p of tile t has the value 10 t + p. */
const tiles = [0, 1, 2, 3, 4].map((tile) => Float32Array.from([0, 1, 2, 3], (patch) => 10 * tile + patch));
const newline = Float32Array.of(-1);
const layout = (map: ImageLayout['map'], imageTokens: number): ImageLayout => ({
  tileCount: 5,
  rowsPerTile: 4,
  map,
  imageTokens,
});
const whole = { gridColumns: 2, gridRows: 2, firstRow: 0, rows: 4, firstColumn: 0, columns: 4 };

const valuesOf = (features: FeatureRows): number[] =>
  Array.from({ length: features.rows }, (_, row) => [...features.row(row)]).flat();

describe('mergeTiles', () => {
  it('puts tiles one after the other without a map', () => {
    const flat = mergeTiles(tiles.slice(0, 2), { ...layout(null, 8), tileCount: 2 }, 1, null);
    expect(valuesOf(flat)).toEqual([0, 1, 2, 3, 10, 11, 12, 13]);
  });

  it('weaves the tiles of a grid into rows after the base view', () => {
    const merged = mergeTiles(tiles, layout({ ...whole, hasNewlines: false }, 20), 1, null);
    expect(valuesOf(merged)).toEqual([
      0, 1, 2, 3, 10, 11, 20, 21, 12, 13, 22, 23, 30, 31, 40, 41, 32, 33, 42, 43,
    ]);
  });

  it('leaves out padding and closes each row with the newline vector', () => {
    const map = { ...whole, firstRow: 1, rows: 2, hasNewlines: true };
    const merged = mergeTiles(tiles, layout(map, 14), 1, newline);
    expect(valuesOf(merged)).toEqual([0, 1, 2, 3, 12, 13, 22, 23, -1, 30, 31, 40, 41, -1]);
  });

  it('keeps a row of newlines where no column survives', () => {
    const map = { ...whole, firstColumn: 2, columns: 0, hasNewlines: true };
    expect(valuesOf(mergeTiles(tiles, layout(map, 8), 1, newline))).toEqual([0, 1, 2, 3, -1, -1, -1, -1]);
  });

  it('refuses a layout whose count is not that of its rows', () => {
    expect(() => mergeTiles(tiles, layout({ ...whole, hasNewlines: false }, 21), 1, null)).toThrow(
      /20 rows instead of 21/,
    );
  });
});
