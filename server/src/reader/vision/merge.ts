// Puts the features of an image's tiles into the order in which they stand in the prompt, image_newline vectors between them.
import { Defect } from '../../errors.js';
import type { ImageLayout } from '../../image/geometry.js';
import { promptRows } from '../../image/prompt-rows.js';
import type { FeatureRows } from '../engine/engine.js';

/**
 * @param tiles features of each tile, f32 [rowsPerTile, width], the base view first
 * @param newline f32 [width]; needed when the layout has newlines
 * @returns views of them
 */
export function mergeTiles(
  tiles: readonly Float32Array[],
  layout: ImageLayout,
  width: number,
  newline: Float32Array | null,
): FeatureRows {
  const rows = promptRows(layout);
  if (rows.length !== layout.imageTokens)
    throw new Defect(`Merging gave ${rows.length} rows instead of ${layout.imageTokens}.`);
  return {
    rows: rows.length,
    row: (index) => {
      const row = rows[index];
      if (row === undefined) throw new Defect(`An image of ${rows.length} rows has no row ${index}.`);
      if (row !== 'newline') return rowOf(tiles, row.tile, row.row, width);
      if (newline === null)
        throw new Defect('The layout has newlines and the model no image_newline vector.');
      return newline;
    },
  };
}

/** A row of a tile, as a view. */
export function rowOf(
  tiles: readonly Float32Array[],
  index: number,
  row: number,
  width: number,
): Float32Array {
  const tile = tiles[index];
  if (tile === undefined) throw new Defect(`The layout names tile ${index} of ${tiles.length}.`);
  return tile.subarray(row * width, (row + 1) * width);
}
