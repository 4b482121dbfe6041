// Which features stand in a prompt for an image, in their order: the rows of its tiles, and newlines between them. Whoever merges
// tiles and whoever leaves rows of them out goes by this one order. Follows haotian-liu/LLaVA c121f043, llava/model/llava_arch.py
// (prepare_inputs_labels_for_multimodal).
import type { ImageLayout, MapWindow } from './geometry.js';

/** A row of a tile's features. */
export interface TileRow {
  readonly tile: number;
  readonly row: number;
}

export type ImageRow = TileRow | 'newline';

/** The base view first, then the map of all other tiles row by row, un-padded; without a map one tile after the other. */
export function promptRows(layout: ImageLayout): ImageRow[] {
  const { map, tileCount, rowsPerTile } = layout;
  const wholeTile = (tile: number): ImageRow[] =>
    Array.from({ length: rowsPerTile }, (_, row) => ({ tile, row }));
  if (map === null) return Array.from({ length: tileCount }, (_, tile) => wholeTile(tile)).flat();
  return [...wholeTile(0), ...mapRows(map, Math.sqrt(rowsPerTile))];
}

function mapRows(map: MapWindow, perSide: number): ImageRow[] {
  const rows: ImageRow[] = [];
  for (let y = map.firstRow; y < map.firstRow + map.rows; y += 1) {
    const firstTile = 1 + Math.floor(y / perSide) * map.gridColumns;
    for (let x = map.firstColumn; x < map.firstColumn + map.columns; x += 1) {
      const row = (y % perSide) * perSide + (x % perSide);
      rows.push({ tile: firstTile + Math.floor(x / perSide), row });
    }
    if (map.hasNewlines) rows.push('newline');
  }
  return rows;
}
