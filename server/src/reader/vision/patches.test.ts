import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { tileToPatches, type PatchGrid } from './patches.js';

/** A normalisation that tells channels apart: byte b of channel c is 1000 c + b. */
const TABLE = Float32Array.from({ length: 3 * 256 }, (_, i) => 1000 * Math.floor(i / 256) + (i % 256));

function patchesOf(tile: Uint8Array, grid: PatchGrid): number[] {
  const patches = new Float32Array(tile.length);
  tileToPatches(tile, TABLE, grid, patches);
  return [...patches];
}

describe('tileToPatches', () => {
  it('orders patches by rows, and within each channel by channel, line by line', () => {
    // A tile of 4 × 4 pixels; all three bytes of a pixel are its number.
    const tile = Uint8Array.from({ length: 48 }, (_, i) => Math.floor(i / 3));
    const patch = (...pixels: number[]) =>
      [0, 1000, 2000].flatMap((channel) => pixels.map((p) => channel + p));
    expect(patchesOf(tile, { sidePx: 4, patchPx: 2 })).toEqual([
      ...patch(0, 1, 4, 5),
      ...patch(2, 3, 6, 7),
      ...patch(8, 9, 12, 13),
      ...patch(10, 11, 14, 15),
    ]);
  });

  it('takes each channel from its own byte', () => {
    expect(patchesOf(Uint8Array.of(7, 8, 9), { sidePx: 1, patchPx: 1 })).toEqual([7, 1008, 2009]);
  });

  it('refuses as a defect a tile of another size', () => {
    expect(() => patchesOf(new Uint8Array(47), { sidePx: 4, patchPx: 2 })).toThrow(Defect);
  });
});
