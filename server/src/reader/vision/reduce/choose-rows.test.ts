import { describe, expect, it } from 'vitest';
import { Random } from '../../../../../harness/random.js';
import { keptRows, layoutImage } from '../../../image/geometry.js';
import { promptRows } from '../../../image/prompt-rows.js';
import type { VisionSettings } from '../../../model/description.js';
import { chooseRows, type RowChoice } from './choose-rows.js';
import { drawScores } from './drawn-scores.fixture.js';

/** Tiles of 2 × 2 or 3 × 3 patches, grids up to 3 × 3, images of any shape. */
function draw(random: Random): RowChoice {
  const perSide = 2 + random.below(2);
  const sidePx = 14 * perSide;
  const aspect = random.pick(['pad', 'square', 'anyres', 'anyres', 'anyres'] as const);
  const mergeType = random.pick(['flat', 'spatial', 'spatial_unpad', 'spatial_unpad'] as const);
  const settings: VisionSettings = {
    sidePx,
    patchPx: 14,
    aspect,
    gridPinpoints: Array.from({ length: 1 + random.below(4) }, () => [
      sidePx * (1 + random.below(3)),
      sidePx * (1 + random.below(3)),
    ]),
    mergeType,
    keepsClassToken: (aspect !== 'anyres' || mergeType === 'flat') && random.below(3) === 0,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  };
  const size = { widthPx: 1 + random.below(200), heightPx: 1 + random.below(200) };
  const layout = layoutImage(size.widthPx, size.heightPx, settings);
  const scores = Array.from({ length: layout.tileCount }, () => drawScores(random, perSide ** 2));
  return { size, layout, settings, scores };
}

describe('chooseRows', () => {
  it('keeps exactly as many rows of any image as were counted, in their order, and the same again', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = new Random(seed);
      const choice = draw(random);
      const budget = 1 + random.below(choice.layout.imageTokens);
      const count = keptRows(choice.layout, budget);
      if (count === null) continue;
      const kept = chooseRows(choice, count);
      const places = promptRows(choice.layout).map((row) => JSON.stringify(row));
      const at = kept.map((row) => places.indexOf(JSON.stringify(row)));
      expect(count, `seed ${seed}`).toBeLessThanOrEqual(budget);
      expect(kept, `seed ${seed}`).toHaveLength(count);
      expect(at, `seed ${seed}`).toEqual([...new Set(at)].sort((a, b) => a - b));
      expect(at[0], `seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(chooseRows(choice, count), `seed ${seed}`).toEqual(kept);
    }
  });

  it('keeps of any image all rows of a smaller budget under a larger one', () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const choice = draw(new Random(seed));
      const most = keptRows(choice.layout, choice.layout.imageTokens - 1) ?? 0;
      let fewer = new Set<string>();
      for (let count = 1; count <= most; count += 1) {
        const kept = new Set(chooseRows(choice, count).map((row) => JSON.stringify(row)));
        expect(
          [...fewer].filter((row) => !kept.has(row)),
          `seed ${seed}, ${count} rows`,
        ).toEqual([]);
        fewer = kept;
      }
    }
  });

  it('keeps the class token of a tile before its patches', () => {
    const random = new Random(1);
    const settings: VisionSettings = {
      sidePx: 28,
      patchPx: 14,
      aspect: 'pad',
      gridPinpoints: [],
      mergeType: 'flat',
      keepsClassToken: true,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    };
    const size = { widthPx: 3, heightPx: 3 };
    const choice = { size, settings, layout: layoutImage(3, 3, settings), scores: [drawScores(random, 4)] };
    expect(chooseRows(choice, 1)).toEqual([{ tile: 0, row: 0 }]);
    expect(chooseRows(choice, 5).map(({ row }) => row)).toEqual([0, 1, 2, 3, 4]);
  });
});
