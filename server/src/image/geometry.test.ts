import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { VisionSettings } from '../model/description.js';
import { placeOnGrid } from './anyres.js';
import { layoutImage } from './geometry.js';

const OFFICIAL: [number, number][] = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
];
const settings = (more: Partial<VisionSettings>): VisionSettings => ({
  sidePx: 336,
  patchPx: 14,
  aspect: 'anyres',
  gridPinpoints: OFFICIAL,
  mergeType: 'spatial_unpad',
  keepsClassToken: false,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  ...more,
});

interface SizeTable {
  lists: { pinpoints: [number, number][]; rows: number[][] }[];
}
const table = JSON.parse(
  readFileSync(new URL('../../../test/goldens/anyres-sizes.json', import.meta.url), 'utf8'),
) as SizeTable;

describe('layoutImage', () => {
  // The table of docs/llava.md, section 5.5.
  it.each([
    [336, 336, 1176],
    [200, 200, 1176],
    [640, 480, 2340],
    [480, 640, 2352],
    [1000, 300, 2182],
    [300, 1000, 2232],
    [1024, 899, 2634],
    [1920, 1080, 1948],
    [1280, 720, 1948],
    [1080, 1920, 1968],
    [672, 672, 2928],
    [512, 512, 2928],
    [1344, 672, 1752],
    [500, 375, 2340],
    [4000, 3000, 2340],
    [427, 640, 2160],
    [640, 427, 2144],
    [100, 800, 1368],
    [1, 1000, 648],
  ])('gives %i × %i the %i tokens of the published models', (width, height, tokens) => {
    expect(layoutImage(width, height, settings({})).imageTokens).toBe(tokens);
  });

  it('gives every size of the reference table the same grid, placement, map and counts', () => {
    let compared = 0;
    for (const { pinpoints, rows } of table.lists) {
      const vision = settings({ gridPinpoints: pinpoints });
      for (const row of rows) {
        const [width = 0, height = 0, ...expected] = row;
        const place = placeOnGrid(width, height, pinpoints);
        const layout = layoutImage(width, height, vision);
        const got = [
          ...place.pinpoint,
          place.resizedWidthPx,
          place.resizedHeightPx,
          place.leftPx,
          place.topPx,
          layout.map?.rows,
          layout.map?.columns,
          layout.tileCount,
          layout.imageTokens,
          layoutImage(width, height, settings({ gridPinpoints: pinpoints, mergeType: 'flat' })).imageTokens,
        ];
        expect(got, `${width} × ${height}`).toEqual(expected);
        expect(
          layoutImage(width, height, settings({ gridPinpoints: pinpoints, mergeType: 'spatial' }))
            .imageTokens,
        ).toBe(expected.at(-1));
        compared += 1;
      }
    }
    expect(compared).toBe(608);
  });

  it('agrees with an independent formula on 2,000 random sizes', () => {
    let state = 99;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return 1 + Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 2000; i += 1) {
      const width = random(3000);
      const height = random(3000);
      expect(layoutImage(width, height, settings({})).imageTokens, `${width} × ${height}`).toBe(
        byCounting(width, height),
      );
    }
  });

  it('gives the base view alone, with one newline, where the grid holds no tile', () => {
    const tiny: Partial<VisionSettings> = { gridPinpoints: [[300, 672]] };
    expect(layoutImage(10, 10, settings(tiny))).toMatchObject({
      tileCount: 1,
      map: { rows: 1, columns: 0, hasNewlines: true },
      imageTokens: 577,
    });
    expect(layoutImage(10, 10, settings({ ...tiny, mergeType: 'spatial' })).imageTokens).toBe(576);
  });

  it('counts one tile for pad and square, with the class token where it is kept', () => {
    expect(layoutImage(4000, 10, settings({ aspect: 'pad' })).imageTokens).toBe(576);
    expect(layoutImage(10, 10, settings({ aspect: 'square', sidePx: 224 })).imageTokens).toBe(256);
    expect(layoutImage(10, 10, settings({ aspect: 'pad', keepsClassToken: true })).imageTokens).toBe(577);
  });
});

/** Chooses by sorting all grids and counts the kept cells of the map one by one. */
function byCounting(width: number, height: number): number {
  const ranked = OFFICIAL.map(([w, h], order) => {
    const scale = Math.min(w / width, h / height);
    const effective = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height);
    return { columns: w / 14, rows: h / 14, effective, waste: w * h - effective, order };
  }).sort((a, b) => b.effective - a.effective || a.waste - b.waste || a.order - b.order);
  const { columns, rows } = ranked[0] ?? { columns: 0, rows: 0 };
  let tokens = 576;
  const isWide = width / height > columns / rows;
  const covered = isWide ? Math.trunc(height * (columns / width)) : Math.trunc(width * (rows / height));
  const padding = Math.floor(((isWide ? rows : columns) - covered) / 2);
  for (let row = 0; row < rows; row += 1) {
    if (isWide && (row < padding || row >= rows - padding)) continue;
    tokens += 1;
    for (let column = 0; column < columns; column += 1) {
      if (isWide || (column >= padding && column < columns - padding)) tokens += 1;
    }
  }
  return tokens;
}
