// Cuts a u8 tile into normalised patch vectors, the rows that the tower's first product takes.
import { Defect } from '../../errors.js';

export interface PatchGrid {
  readonly sidePx: number;
  readonly patchPx: number;
}

/**
 * Patches of one tile in row-major order, each channel-major as the convolution's weights are.
 * @param tile [sidePx, sidePx, 3] u8 RGB
 * @param table normalised value of each byte, f32 [3, 256]
 * @param patches that are written, f32 [(sidePx / patchPx)², 3 · patchPx²]
 */
export function tileToPatches(
  tile: Uint8Array,
  table: Float32Array,
  { sidePx, patchPx }: PatchGrid,
  patches: Float32Array,
): void {
  if (tile.length !== sidePx * sidePx * 3)
    throw new Defect(`A tile has ${sidePx * sidePx * 3} bytes, got ${tile.length}.`);
  const perSide = sidePx / patchPx;
  const area = patchPx * patchPx;
  for (let y = 0; y < sidePx; y += 1) {
    const patchRow = Math.floor(y / patchPx) * perSide;
    const lineOffset = (y % patchPx) * patchPx;
    for (let x = 0; x < sidePx; x += 1) {
      const source = (y * sidePx + x) * 3;
      const target = (patchRow + Math.floor(x / patchPx)) * 3 * area + lineOffset + (x % patchPx);
      for (let channel = 0; channel < 3; channel += 1) {
        patches[target + channel * area] = table[channel * 256 + (tile[source + channel] ?? 0)] ?? 0;
      }
    }
  }
}
