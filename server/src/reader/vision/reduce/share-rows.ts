// How the rows that an image may keep are divided among its tiles. The base view, which shows all of the image, gets an equal share.
// The rest goes to the other tiles by mass: how much of the base view's attention falls on the part that each of them shows.
import { placeOnGrid } from '../../../image/anyres.js';
import type { VisionSettings } from '../../../model/description.js';

export interface ImageSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * @param baseSaliency how much the class token looks at each patch of the base view, f32 [patches]
 * @returns of each tile of the grid, the base view left out
 */
export function tileMasses(
  baseSaliency: Float32Array,
  { widthPx, heightPx }: ImageSize,
  { sidePx, patchPx, gridPinpoints }: VisionSettings,
): number[] {
  const placed = placeOnGrid(widthPx, heightPx, gridPinpoints);
  const columns = Math.floor(placed.pinpoint[0] / sidePx);
  const rows = Math.floor(placed.pinpoint[1] / sidePx);
  const masses = Array.from({ length: columns * rows }, () => 0);
  const perSide = Math.floor(sidePx / patchPx);
  // The base view is the image without its padding, so the middle of each of its patches has a place on the canvas.
  const tileOf = (patch: number, fromPx: number, lengthPx: number, tiles: number): number =>
    Math.min(tiles - 1, Math.floor((fromPx + ((patch + 0.5) / perSide) * lengthPx) / sidePx));
  baseSaliency.forEach((saliency, patch) => {
    const column = tileOf(patch % perSide, placed.leftPx, placed.resizedWidthPx, columns);
    const row = tileOf(Math.floor(patch / perSide), placed.topPx, placed.resizedHeightPx, rows);
    const tile = row * columns + column;
    masses[tile] = (masses[tile] ?? 0) + saliency;
  });
  return masses;
}

/**
 * @param count rows to share out, at most all of them
 * @param capacities rows of each tile, the base view first
 * @param masses of the other tiles
 * @returns rows of each tile, the base view first; none gets fewer when there are more to share out
 */
export function shareRows(count: number, capacities: readonly number[], masses: readonly number[]): number[] {
  const [, ...others] = capacities;
  const room = others.reduce((sum, capacity) => sum + capacity, 0);
  const base = Math.max(Math.ceil(count / capacities.length), count - room);
  const shares = others.map(() => 0);
  // Row by row to whoever has the most mass for the next one (Webster's method), which fits capacities and never takes one back.
  for (let left = count - base; left > 0; left -= 1) {
    const next = shares.reduce<number | null>((best, share, tile) => {
      if (share >= (others[tile] ?? 0)) return best;
      return best === null || claimOf(masses, shares, tile) > claimOf(masses, shares, best) ? tile : best;
    }, null);
    if (next !== null) shares[next] = (shares[next] ?? 0) + 1;
  }
  return [base, ...shares];
}

const claimOf = (masses: readonly number[], shares: readonly number[], tile: number): number =>
  (masses[tile] ?? 0) / (2 * (shares[tile] ?? 0) + 1);
