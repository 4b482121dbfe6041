// Images under a budget, in f32: the rows that a second implementation keeps (test/oracles/choose-image-rows.py), and the features that
// they have in the whole image.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  differences,
  encodeImage,
  GOLDENS,
  imageFeatures,
  loadExact,
  type ConvertedModel,
  type EncodedImage,
} from './golden-case.js';

interface KeptRows {
  readonly case: string;
  readonly image: string;
  readonly count: number;
  /** Places in the features of the whole image. */
  readonly rows: number[];
}

const expected = JSON.parse(readFileSync(path.join(GOLDENS, 'kept-rows.json'), 'utf8')) as KeptRows[];
/** Of test/goldens/README.md, for f32 throughout. */
const FEATURES_LARGEST = 2e-4;

describe.each([...new Set(expected.map((entry) => entry.case))])('%s', (name) => {
  let model: ConvertedModel;
  beforeAll(async () => {
    model = await loadExact(path.join(GOLDENS, name, 'checkpoint'));
  }, 120_000);
  afterAll(() => model.close());
  const featuresOf = imageFeatures(() => model);

  it.each(expected.filter((entry) => entry.case === name))(
    'keeps $count rows of $image, as the second implementation chooses, as they are in the whole image',
    async ({ image, count, rows }) => {
      const whole = await featuresOf(image);
      const kept = await encodeImage(model, path.join(GOLDENS, 'images', `${image}.png`), count);
      const found = allRows(kept).map((row) => nearest(row, whole));
      expect(kept.rows).toBe(count);
      expect(found.map(({ at }) => at)).toEqual(rows);
      expect(Math.max(...found.map(({ distance }) => distance))).toBeLessThanOrEqual(FEATURES_LARGEST);
    },
  );
});

function allRows({ rows, values }: EncodedImage): Float32Array[] {
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** The place of a row in the features of an image. */
function nearest(row: Float32Array, image: EncodedImage): { readonly at: number; readonly distance: number } {
  const distances = allRows(image).map((other) => differences(row, other).largest);
  const distance = Math.min(...distances);
  return { at: distances.indexOf(distance), distance };
}
