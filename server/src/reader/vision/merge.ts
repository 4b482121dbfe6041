// Puts the features of an image's tiles into the order in which they stand in the prompt. Follows haotian-liu/LLaVA
// c121f043, llava/model/llava_arch.py (prepare_inputs_labels_for_multimodal): base view first, then the map of all other
// tiles row by row, un-padded, each row closed by the image_newline vector.
import { Defect } from '../../errors.js';
import type { ImageLayout } from '../../image/geometry.js';

/**
 * @param tiles features of each tile, f32 [rowsPerTile, width], the base view first
 * @param newline f32 [width]; needed when the layout has newlines
 * @returns f32 [imageTokens, width]
 */
export function mergeTiles(
  tiles: readonly Float32Array[],
  layout: ImageLayout,
  width: number,
  newline: Float32Array | null,
): Float32Array {
  const merged = new Float32Array(layout.imageTokens * width);
  let end = 0;
  const append = (values: Float32Array) => {
    merged.set(values, end);
    end += values.length;
  };
  const { map } = layout;
  if (map === null) {
    for (const tile of tiles) append(tile);
  } else {
    if (map.hasNewlines && newline === null)
      throw new Defect('The layout has newlines and the model no image_newline vector.');
    const perSide = Math.sqrt(layout.rowsPerTile);
    append(tileAt(tiles, 0));
    for (let row = map.firstRow; row < map.firstRow + map.rows; row += 1) {
      const firstTile = 1 + Math.floor(row / perSide) * map.gridColumns;
      for (let column = map.firstColumn; column < map.firstColumn + map.columns; column += 1) {
        const patch = (row % perSide) * perSide + (column % perSide);
        const tile = tileAt(tiles, firstTile + Math.floor(column / perSide));
        append(tile.subarray(patch * width, (patch + 1) * width));
      }
      if (map.hasNewlines && newline !== null) append(newline);
    }
  }
  if (end !== merged.length)
    throw new Defect(`Merging gave ${end / width} rows instead of ${layout.imageTokens}.`);
  return merged;
}

function tileAt(tiles: readonly Float32Array[], index: number): Float32Array {
  const tile = tiles[index];
  if (tile === undefined) throw new Defect(`The layout names tile ${index} of ${tiles.length}.`);
  return tile;
}
