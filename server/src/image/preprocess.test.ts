import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { VisionSettings } from '../model/description.js';
import { noise } from './noise.fixture.js';
import { preprocess } from './preprocess.js';

const goldens = new URL('../../../test/goldens/', import.meta.url);
interface Expected {
  vision: { side: number; aspect: VisionSettings['aspect'] };
  images: { name: string; file: string; rgbSha256: string; tilesSha256: string; tiles: number }[];
}

const read = (path: string): Buffer => readFileSync(new URL(path, goldens));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['v15-llama-pad', 'v16-llama-anyres', 'v16-mistral-anyres', 'square-linear-224'])(
  'preprocess as %s',
  (name) => {
    const expected = JSON.parse(read(`${name}/expected.json`).toString()) as Expected;
    const config = JSON.parse(read(`${name}/checkpoint/config.json`).toString()) as {
      image_grid_pinpoints?: [number, number][];
    };
    const vision: VisionSettings = {
      sidePx: expected.vision.side,
      patchPx: 14,
      aspect: expected.vision.aspect,
      gridPinpoints: expected.vision.aspect === 'anyres' ? (config.image_grid_pinpoints ?? []) : [],
      mergeType: 'flat',
      keepsClassToken: false,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    };

    it.each(expected.images)('makes the tiles of $name byte for byte', async (image) => {
      const { data, info } = await sharp(read(`${name}/${image.file}`))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(sha256(data)).toBe(image.rgbSha256);
      const tiles = preprocess({ widthPx: info.width, heightPx: info.height, pixels: data }, vision);
      expect(tiles.length).toBe(image.tiles * vision.sidePx ** 2 * 3);
      expect(sha256(tiles)).toBe(image.tilesSha256);
    });
  },
);

describe('preprocess', () => {
  const base: Omit<VisionSettings, 'aspect' | 'gridPinpoints'> = {
    sidePx: 28,
    patchPx: 14,
    mergeType: 'flat',
    keepsClassToken: false,
    mean: [0.5, 0.5, 0.5],
    std: [1, 1, 1],
  };
  const square: VisionSettings = { ...base, aspect: 'square', gridPinpoints: [] };
  const anyres: VisionSettings = {
    ...base,
    aspect: 'anyres',
    gridPinpoints: [
      [28, 56],
      [56, 28],
      [56, 56],
      [84, 28],
      [28, 84],
    ],
  };

  // SHA-256 of what the reference's process_images makes of the noise of noise.fixture.ts, with Pillow 12.3.0.
  it.each([
    ['square', 40, 4001, 'a7e16e849d137f5432f91cd8b96ea4d2032af6f9bb304cdd4f991b4a42226be7'],
    ['square', 40, 4000, '116f0488229690aaea5a11a83bd3d789cdaecde4b060433a166e74f114bfe69b'],
    ['square', 4001, 40, '08b967b303cc03b1b278485021a5d3ca8d78c81100f35197b400f041c93a3c29'],
    ['square', 30, 3030, 'f61a9abe17b85bb815e374f5599dae2439e7891b078081ecfbf60eb2c74347f7'],
    ['square', 3, 400, 'f540da4762be7f17f4437472181bc051adaa3ddaa4c357e3a39c4d4f9d66c776'],
    ['anyres', 3, 400, '1390b06e9cd46cdc6930c39538105677529843cec3b5e25631841e32738cfd0c'],
    ['anyres', 3, 300, '9d3956f3d59d466f46901feb8f247d79af8be055debd76afee920d6b26bb1d32'],
    ['anyres', 400, 3, '075ea685940fdadba32b7fba5ac4b2caaea5017310af30efd58de251d092bbd7'],
    ['anyres', 2, 1000, '3cbb8d6b3ba29a636bd2b853a065f7a7bceb4fca11873cc4ea0a871f4a817701'],
    ['anyres', 1, 101, '2e14bf09362dc76aa550e2407ddfb19fa7759568617ba88212b8c45f574bebff'],
  ])('makes the tiles of Pillow in %s of a narrow image of %i × %i', (aspect, width, height, expected) => {
    const tiles = preprocess(noise(width, height), aspect === 'square' ? square : anyres);
    expect(sha256(tiles)).toBe(expected);
  });

  it('needs no memory for the square of an extreme strip', () => {
    const pixels = new Uint8Array(52_800 * 44 * 3).fill(200);
    const vision: VisionSettings = { ...base, sidePx: 112, aspect: 'pad', gridPinpoints: [] };
    const tile = preprocess({ widthPx: 52_800, heightPx: 44, pixels }, vision);
    expect(tile[0]).toBe(127);
    expect(tile.length).toBe(112 * 112 * 3);
  });
});
