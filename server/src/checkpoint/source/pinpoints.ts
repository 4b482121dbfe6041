// image_grid_pinpoints as configurations spell it: a JSON list, a text with a Python list, or the grid shorthand "(1x1),...,(6x6)".
// Text is read by pattern, never evaluated.
import { unsupported } from '../failures.js';

type Pinpoint = [widthPx: number, heightPx: number];

/** The grid shorthand names at most this many tiles a side; published ones stop at 6. */
const MAX_GRID = 16;
const MAX_PINPOINTS = 1024;
const LIST = /^\s*[[(]\s*(?:[[(]\s*\d{1,6}\s*,\s*\d{1,6}\s*[\])]\s*(?:,\s*)?)+[\])]\s*$/;
const PAIR = /(\d{1,6})\s*,\s*(\d{1,6})/g;
const GRID = /^\s*\((\d{1,2})x(\d{1,2})\)\s*,\s*\.\.\.\s*,\s*\((\d{1,2})x(\d{1,2})\)\s*$/;

/**
 * The pinpoints as [width, height] in pixels, in their order.
 * @throws CheckpointError checkpoint.unsupported
 */
export function parsePinpoints(
  value: string | readonly Pinpoint[],
  sidePx: number,
  file: string,
): Pinpoint[] {
  const pairs = typeof value === 'string' ? parseText(value, sidePx, file) : value;
  if (pairs.length === 0 || pairs.length > MAX_PINPOINTS)
    throw unsupported(file, `image_grid_pinpoints has ${pairs.length} entries; 1 to ${MAX_PINPOINTS}.`);
  for (const [widthPx, heightPx] of pairs) {
    if (widthPx < sidePx || heightPx < sidePx || widthPx % sidePx !== 0 || heightPx % sidePx !== 0) {
      throw unsupported(
        file,
        `image_grid_pinpoints has ${widthPx} × ${heightPx}; both must be multiples of the tile's ${sidePx} pixels.`,
      );
    }
  }
  return pairs.map(([widthPx, heightPx]) => [widthPx, heightPx]);
}

function parseText(text: string, sidePx: number, file: string): Pinpoint[] {
  const grid = GRID.exec(text);
  if (grid !== null) return gridPinpoints(grid.slice(1).map(Number), sidePx);
  if (!LIST.test(text)) {
    throw unsupported(
      file,
      `image_grid_pinpoints is ${JSON.stringify(text.slice(0, 80))}; expected a list of [width, height].`,
    );
  }
  return Array.from(text.matchAll(PAIR), (pair): Pinpoint => [Number(pair[1]), Number(pair[2])]);
}

/** "(a x b),...,(c x d)": every grid from a × b to c × d tiles, rows outer, as LLaVA-NeXT's mm_utils.py expands it. */
function gridPinpoints(bounds: readonly number[], sidePx: number): Pinpoint[] {
  const [firstColumns = 1, firstRows = 1, lastColumns = 1, lastRows = 1] = bounds.map((n) =>
    Math.min(n, MAX_GRID),
  );
  const pairs: Pinpoint[] = [];
  for (let columns = firstColumns; columns <= lastColumns; columns++)
    for (let rows = firstRows; rows <= lastRows; rows++) pairs.push([columns * sidePx, rows * sidePx]);
  return pairs;
}
