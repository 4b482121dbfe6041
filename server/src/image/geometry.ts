// The layout of an image's features, from its width and height alone: how many tiles, which part of the tile map survives
// un-padding, how many rows stand in the prompt. The one source for prompt expansion, admission and feature merging. Follows
// haotian-liu/LLaVA c121f043, llava/model/llava_arch.py (prepare_inputs_labels_for_multimodal, unpad_image).
import type { VisionSettings } from '../model/description.js';
import { placeOnGrid } from './anyres.js';

/** Part of the map of all tiles (without the base view) that is kept, in patches. */
export interface MapWindow {
  /** Tiles of the grid. */
  readonly gridColumns: number;
  readonly gridRows: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly firstColumn: number;
  readonly columns: number;
  /** Whether one image_newline row follows each row of the map. */
  readonly hasNewlines: boolean;
}

export interface ImageLayout {
  /** Tiles to encode, the base view included. */
  readonly tileCount: number;
  /** Rows of one tile's features. */
  readonly rowsPerTile: number;
  /** Null: the tiles' features stand one after the other. Otherwise the base view's stand first, then the map row by row. */
  readonly map: MapWindow | null;
  /** Rows that the image takes in the prompt. */
  readonly imageTokens: number;
}

export function layoutImage(widthPx: number, heightPx: number, vision: VisionSettings): ImageLayout {
  const perSide = Math.floor(vision.sidePx / vision.patchPx);
  const rowsPerTile = perSide * perSide + (vision.keepsClassToken ? 1 : 0);
  if (vision.aspect !== 'anyres') return { tileCount: 1, rowsPerTile, map: null, imageTokens: rowsPerTile };

  const [canvasWidth, canvasHeight] = placeOnGrid(widthPx, heightPx, vision.gridPinpoints).pinpoint;
  const gridColumns = Math.floor(canvasWidth / vision.sidePx);
  const gridRows = Math.floor(canvasHeight / vision.sidePx);
  const tileCount = 1 + gridColumns * gridRows;
  if (vision.mergeType === 'flat') {
    return { tileCount, rowsPerTile, map: null, imageTokens: tileCount * rowsPerTile };
  }
  const hasNewlines = vision.mergeType === 'spatial_unpad';
  if (tileCount === 1) {
    // A grid smaller than one tile: the base view alone, and where newlines are used one of them, as a row without columns.
    const none = { firstRow: 0, rows: hasNewlines ? 1 : 0, firstColumn: 0, columns: 0, hasNewlines };
    return {
      tileCount,
      rowsPerTile,
      map: { gridColumns, gridRows, ...none },
      imageTokens: rowsPerTile + none.rows,
    };
  }
  const whole = { firstRow: 0, rows: gridRows * perSide, firstColumn: 0, columns: gridColumns * perSide };
  const kept = hasNewlines ? unpad(widthPx, heightPx, whole.columns, whole.rows) : whole;
  const mapTokens = kept.rows * (kept.columns + (hasNewlines ? 1 : 0));
  return {
    tileCount,
    rowsPerTile,
    map: { gridColumns, gridRows, ...kept, hasNewlines },
    imageTokens: rowsPerTile + mapTokens,
  };
}

/**
 * Rows that an image keeps where at most `budget` are allowed; null where it keeps all. Its newlines are the first to go, and with
 * them all of their kind: they end rows of a map, and a row with gaps has no end that says anything.
 * @param budget 1 or more
 */
export function keptRows({ map, imageTokens }: ImageLayout, budget: number): number | null {
  if (imageTokens <= budget) return null;
  return Math.min(budget, imageTokens - (map?.hasNewlines === true ? map.rows : 0));
}

/** The part of a columns × rows map that the image covers. Truncates where the pixels' padding rounds up. */
function unpad(
  widthPx: number,
  heightPx: number,
  columns: number,
  rows: number,
): Omit<MapWindow, 'gridColumns' | 'gridRows' | 'hasNewlines'> {
  if (widthPx / heightPx > columns / rows) {
    const covered = Math.trunc(heightPx * (columns / widthPx));
    const padding = Math.floor((rows - covered) / 2);
    return { firstRow: padding, rows: rows - 2 * padding, firstColumn: 0, columns };
  }
  const covered = Math.trunc(widthPx * (rows / heightPx));
  const padding = Math.floor((columns - covered) / 2);
  return { firstRow: 0, rows, firstColumn: padding, columns: columns - 2 * padding };
}
