import { describe, expect, it } from 'vitest';
import type { VisionSettings } from '../../../model/description.js';
import { shareRows, tileMasses } from './share-rows.js';

const SETTINGS: VisionSettings = {
  sidePx: 28,
  patchPx: 14,
  aspect: 'anyres',
  gridPinpoints: [[56, 56]],
  mergeType: 'spatial_unpad',
  keepsClassToken: false,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

describe('tileMasses', () => {
  it('gives each tile what the base view looks at in its quarter', () => {
    const masses = tileMasses(Float32Array.of(1, 2, 3, 4), { widthPx: 50, heightPx: 50 }, SETTINGS);
    expect(masses).toEqual([1, 2, 3, 4]);
  });

  it('leaves padding out: a flat image lies in the middle of both rows of tiles', () => {
    const saliency = Float32Array.of(1, 2, 3, 4);
    expect(tileMasses(saliency, { widthPx: 560, heightPx: 20 }, SETTINGS)).toEqual([1, 2, 3, 4]);
    const tall = { ...SETTINGS, gridPinpoints: [[28, 84] as [number, number]] };
    // On a column of three tiles, a square image lies in the middle one.
    expect(tileMasses(saliency, { widthPx: 28, heightPx: 28 }, tall)).toEqual([0, 10, 0]);
  });
});

describe('shareRows', () => {
  it('gives the base view an equal share and the rest by mass', () => {
    expect(shareRows(10, [9, 9, 9, 9, 9], [0.6, 0.2, 0.2, 0])).toEqual([2, 5, 2, 1, 0]);
  });

  it('gives what does not fit into a tile to the next, and to the base view what fits into none', () => {
    expect(shareRows(12, [9, 2, 9], [0.9, 0.1])).toEqual([4, 2, 6]);
    expect(shareRows(8, [9, 0, 1], [0.5, 0.5])).toEqual([7, 0, 1]);
  });

  it('shares out among tiles without any mass too', () => {
    expect(shareRows(6, [4, 4, 4], [0, 0])).toEqual([2, 4, 0]);
  });
});
