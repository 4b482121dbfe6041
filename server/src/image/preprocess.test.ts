import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { VisionSettings } from '../model/description.js';
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
  it('needs no memory for the square of an extreme strip', () => {
    const pixels = new Uint8Array(52_800 * 44 * 3).fill(200);
    const vision: VisionSettings = {
      sidePx: 112,
      patchPx: 14,
      aspect: 'pad',
      gridPinpoints: [],
      mergeType: 'flat',
      keepsClassToken: false,
      mean: [0.5, 0.5, 0.5],
      std: [1, 1, 1],
    };
    const tile = preprocess({ widthPx: 52_800, heightPx: 44, pixels }, vision);
    expect(tile[0]).toBe(127);
    expect(tile.length).toBe(112 * 112 * 3);
  });
});
