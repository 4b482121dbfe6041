// The same image in every format, depth, layout and orientation gives the same tiles as its plain PNG. Lossless files: bit for
// bit. JPEG and lossy WebP: within a stated bound of the plain PNG, and bit for bit the same in every orientation.
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { createDecoderPool } from 'takeoff-server/gateway/intake/decoder-pool.js';
import { createIntake } from 'takeoff-server/gateway/intake/intake.js';
import type { VisionSettings } from 'takeoff-server/model/description.js';
import {
  BMP_COMPRESSION,
  bmpFile,
  bmpPalette,
  bmpRows,
  bmpRuns8,
  writeBmp,
  type BmpFile,
} from './files/bmp.js';
import { orientedSource, pngExif, pngTextExif, swapsSides, withJpegExif } from './files/exif.js';
import { writeGif } from './files/gif.js';
import { chunk, writePng } from './files/png.js';

const W = 45;
const H = 28;
type Colour = readonly [number, number, number];
type Image = (x: number, y: number) => Colour;

/** Four colours, so that the smallest palettes can hold it; no symmetry, so that every turn shows. */
const PALETTE: readonly Colour[] = [
  [250, 240, 10],
  [10, 30, 200],
  [0, 0, 0],
  [255, 255, 255],
];
const indexAt = (x: number, y: number): number =>
  x < 9 && y < 5 ? 2 : (x * x + 3 * y * y) % 37 < 14 ? 1 : x > 30 ? 3 : 0;
const flat: Image = (x, y) => PALETTE[indexAt(x, y)]!;
const smooth: Image = (x, y) => [x * 5, y * 9, (x + y) * 3];
const grey: Image = (x) => [x * 5, x * 5, x * 5];

const VISION: VisionSettings = {
  sidePx: 28,
  patchPx: 14,
  aspect: 'anyres',
  gridPinpoints: [
    [56, 28],
    [28, 56],
  ],
  mergeType: 'spatial_unpad',
  keepsClassToken: false,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};
const pool = createDecoderPool({ decoders: 1 });
const intake = createIntake({ limits: { maxImagePixels: 50_000_000 }, pool, remote: null });
const never = new AbortController().signal;
afterAll(() => pool.close());

const tilesOf = (bytes: Uint8Array) =>
  intake.prepare({ kind: 'upload', bytes }, { form: VISION, cacheSalt: null }, never);
const plainPng = (image: Image, width = W, height = H): Buffer =>
  writePng({
    width,
    height,
    colourType: 'rgb',
    bitDepth: 8,
    sample: (x, y, channel) => image(x, y)[channel]!,
  });
const raw = (image: Image, width = W, height = H): Uint8Array => {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) pixels.set(image(x, y), (y * width + x) * 3);
  return pixels;
};
const imageOf =
  (pixels: Uint8Array): Image =>
  (x, y) => {
    const [red = 0, green = 0, blue = 0] = pixels.subarray((y * W + x) * 3);
    return [red, green, blue];
  };
const sharpOf = (image: Image) => sharp(raw(image), { raw: { width: W, height: H, channels: 3 } });
const turned = (image: Image, orientation: number): Buffer => {
  const [width, height] = swapsSides(orientation) ? [H, W] : [W, H];
  return plainPng((x, y) => image(...orientedSource(orientation, x, y, W, H)), width, height);
};
const palettePng = (
  bitDepth: 1 | 2 | 4 | 8,
  index: (x: number, y: number) => number,
  isInterlaced = false,
): Buffer =>
  writePng({
    width: W,
    height: H,
    colourType: 'palette',
    bitDepth,
    isInterlaced,
    sample: index,
    before: [chunk('PLTE', Buffer.from(PALETTE.flat()))],
  });
const paletteBmp = (more: Omit<BmpFile, 'width' | 'height'>): Buffer =>
  bmpFile({ width: W, height: H, palette: bmpPalette(PALETTE), coloursUsed: PALETTE.length, ...more });
const rgbPng = (more: object): Buffer =>
  writePng({
    width: W,
    height: H,
    colourType: 'rgb',
    bitDepth: 8,
    sample: (x, y, c) => smooth(x, y)[c]!,
    ...more,
  });

async function expectSame(bytes: Uint8Array, plain: Uint8Array): Promise<void> {
  const [got, wanted] = [await tilesOf(bytes), await tilesOf(plain)];
  expect([got.widthPx, got.heightPx]).toEqual([wanted.widthPx, wanted.heightPx]);
  expect(Buffer.compare(got.tiles, wanted.tiles)).toBe(0);
}

type Case = readonly [string, Image, () => Buffer | Promise<Buffer>];
const LOSSLESS: readonly Case[] = [
  ...([1, 2, 3, 4, 'mixed'] as const).map((filter): Case => [
    `PNG with filter ${filter}`,
    smooth,
    () => rgbPng({ filter }),
  ]),
  ['interlaced PNG', smooth, () => rgbPng({ isInterlaced: true, filter: 'mixed' })],
  [
    'PNG of 16 bits',
    smooth,
    () => rgbPng({ bitDepth: 16, sample: (x: number, y: number, c: number) => smooth(x, y)[c]! * 256 + 77 }),
  ],
  [
    'PNG with an opaque alpha channel',
    smooth,
    () =>
      rgbPng({
        colourType: 'rgba',
        sample: (x: number, y: number, c: number) => (c === 3 ? 255 : smooth(x, y)[c]!),
      }),
  ],
  [
    'PNG whose white is transparent black',
    flat,
    () =>
      rgbPng({
        colourType: 'rgba',
        sample: (x: number, y: number, c: number) =>
          indexAt(x, y) === 3 ? 0 : c === 3 ? 255 : flat(x, y)[c]!,
      }),
  ],
  [
    'PNG with a transparent colour',
    flat,
    () =>
      rgbPng({
        // Magenta stands for white.
        sample: (x: number, y: number, c: number) =>
          indexAt(x, y) === 3 ? [255, 0, 255][c]! : flat(x, y)[c]!,
        before: [chunk('tRNS', Buffer.from([0, 255, 0, 0, 0, 255]))],
      }),
  ],
  ...([2, 4, 8] as const).map((bits): Case => [
    `PNG with a palette of ${bits} bits`,
    flat,
    () => palettePng(bits, indexAt),
  ]),
  [
    'PNG with a palette of 1 bit',
    (x, y) => PALETTE[indexAt(x, y) & 1]!,
    () => palettePng(1, (x, y) => indexAt(x, y) & 1),
  ],
  ['interlaced PNG with a palette of 2 bits', flat, () => palettePng(2, indexAt, true)],
  ...([1, 2, 4, 8, 16] as const).map((bitDepth): Case => [
    `grey PNG of ${bitDepth} bits`,
    (x, y) => {
      const value =
        bitDepth === 16
          ? x * 5
          : Math.round(((x + y) % Math.min(2 ** bitDepth, 64)) * (255 / (2 ** bitDepth - 1)));
      return [value, value, value];
    },
    () =>
      writePng({
        width: W,
        height: H,
        colourType: 'grey',
        bitDepth,
        sample: (x, y) => (bitDepth === 16 ? x * 5 * 256 + 200 : (x + y) % Math.min(2 ** bitDepth, 64)),
      }),
  ]),
  [
    'grey PNG with alpha',
    grey,
    () =>
      rgbPng({
        colourType: 'greyAlpha',
        sample: (x: number, y: number, c: number) => (c === 1 ? 255 : grey(x, y)[0]),
      }),
  ],
  ['lossless WebP', smooth, () => sharpOf(smooth).webp({ lossless: true }).toBuffer()],
  ['GIF', flat, () => writeGif({ width: W, height: H, palette: PALETTE, sample: indexAt })],
  [
    'interlaced GIF',
    flat,
    () => writeGif({ width: W, height: H, palette: PALETTE, sample: indexAt, isInterlaced: true }),
  ],
  [
    'animated GIF, by its first frame',
    flat,
    () =>
      writeGif({
        width: W,
        height: H,
        palette: PALETTE,
        frames: 3,
        sample: (x, y, frame) => (indexAt(x, y) + frame) % 4,
      }),
  ],
  [
    'GIF whose frame leaves a margin of its canvas free',
    (x, y) => (x < 4 || y < 3 || x >= 40 || y >= 25 ? [255, 255, 255] : flat(x - 4, y - 3)),
    () =>
      writeGif({
        width: 36,
        height: 22,
        palette: PALETTE,
        sample: indexAt,
        canvas: { width: W, height: H, left: 4, top: 3 },
      }),
  ],
  [
    'GIF whose white is transparent',
    flat,
    () =>
      writeGif({
        width: W,
        height: H,
        palette: [...PALETTE.slice(0, 3), [9, 9, 9]],
        sample: indexAt,
        transparentIndex: 3,
      }),
  ],
  ['BMP of 24 bits', smooth, () => writeBmp({ width: W, height: H, bits: 24, pixel: smooth })],
  [
    'BMP of 32 bits, top down',
    smooth,
    () => writeBmp({ width: W, height: H, bits: 32, isTopDown: true, pixel: smooth }),
  ],
  [
    'BMP with a palette',
    flat,
    () => writeBmp({ width: W, height: H, bits: 8, palette: PALETTE, pixel: indexAt }),
  ],
  ...([0, 54, 60] as const).map((statedOffset): Case => [
    `BMP whose offset of ${statedOffset} points into header or palette`,
    flat,
    () => paletteBmp({ bits: 8, pixels: bmpRows(W, H, 8, indexAt), statedOffset }),
  ]),
  ...([2, 4] as const).map((bits): Case => [
    `BMP with a palette of ${bits} bits`,
    flat,
    () => paletteBmp({ bits, pixels: bmpRows(W, H, bits, indexAt) }),
  ]),
  [
    'BMP in run lengths',
    flat,
    () => paletteBmp({ bits: 8, pixels: bmpRuns8(W, H, indexAt), compression: BMP_COMPRESSION.runs8 }),
  ],
  [
    'BMP whose alpha is zero everywhere',
    smooth,
    () =>
      bmpFile({
        width: W,
        height: H,
        bits: 32,
        version: 124,
        compression: BMP_COMPRESSION.masks,
        masks: [0xff0000, 0xff00, 0xff, 0xff000000],
        pixels: bmpRows(W, H, 32, (x, y) => smooth(x, y).reduce((sum, value) => sum * 256 + value, 0)),
      }),
  ],
];

describe('case 16: bit for bit as the plain PNG', () => {
  it.each(LOSSLESS)('%s', async (_, image, make) => {
    await expectSame(await make(), plainPng(image));
  });

  it.each([
    [1, 1],
    [1, 400],
    [400, 1],
    [3000, 7],
  ])('an image of %i × %i, interlaced or not', async (width, height) => {
    const sample = (x: number, y: number, c: number) => (x * 7 + y * 3 + c * 50) % 256;
    const image = { width, height, colourType: 'rgb', bitDepth: 8, sample } as const;
    await expectSame(writePng({ ...image, isInterlaced: true }), writePng(image));
  });
});

describe('case 16: colour spaces', () => {
  it('a colour profile is not applied: the numbers of the file count', async () => {
    const profiled = await sharpOf(smooth).withIccProfile('p3').png().toBuffer();
    const numbers = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
    expect(Buffer.compare(numbers, Buffer.from(raw(smooth)))).not.toBe(0);
    await expectSame(profiled, plainPng(imageOf(numbers)));
  });

  it('CMYK becomes RGB by the formula, not through a profile', async () => {
    const jpeg = await sharpOf(flat).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    const inks = await sharp(jpeg).pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer();
    const light = (x: number, y: number) => 255 - inks[(y * W + x) * 4 + 3]!;
    const without = (x: number, y: number, ink: number) =>
      light(x, y) - Math.round((inks[(y * W + x) * 4 + ink]! * light(x, y)) / 255);
    await expectSame(
      jpeg,
      plainPng((x, y) => [without(x, y, 0), without(x, y, 1), without(x, y, 2)]),
    );
  });
});

const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8];
describe('case 16: turned as EXIF says', () => {
  it.each(ORIENTATIONS)('PNG, orientation %i', async (orientation) => {
    await expectSame(rgbPng({ before: [pngExif(orientation)] }), turned(smooth, orientation));
  });

  it.each(ORIENTATIONS)('PNG with EXIF behind its pixels, orientation %i', async (orientation) => {
    await expectSame(rgbPng({ after: [pngExif(orientation)] }), turned(smooth, orientation));
  });

  it.each(
    ORIENTATIONS.flatMap((orientation) =>
      (['tEXt', 'zTXt', 'iTXt', 'compressed iTXt'] as const).map((kind) => [kind, orientation] as const),
    ),
  )('PNG with EXIF in the text chunk %s, orientation %i', async (kind, orientation) => {
    const text = pngTextExif(orientation, kind);
    await expectSame(rgbPng({ before: [text] }), turned(smooth, orientation));
    await expectSame(rgbPng({ after: [text] }), turned(smooth, orientation));
  });

  it.each(ORIENTATIONS)(
    'PNG of 16 bits with alpha and EXIF behind its pixels, orientation %i',
    async (orientation) => {
      const deep = rgbPng({
        colourType: 'rgba',
        bitDepth: 16,
        sample: (x: number, y: number, c: number) => (c === 3 ? 0xffff : smooth(x, y)[c]! * 257),
        after: [pngExif(orientation)],
      });
      await expectSame(deep, turned(smooth, orientation));
    },
  );

  it.each(ORIENTATIONS)('WebP, orientation %i', async (orientation) => {
    const webp = await sharpOf(smooth).withMetadata({ orientation }).webp({ lossless: true }).toBuffer();
    await expectSame(webp, turned(smooth, orientation));
  });

  it.each(ORIENTATIONS)('JPEG, orientation %i, as its own pixels turned', async (orientation) => {
    const jpeg = await sharpOf(smooth).jpeg({ quality: 90 }).toBuffer();
    const pixels = await sharp(jpeg).raw().toBuffer();
    await expectSame(withJpegExif(jpeg, orientation), turned(imageOf(pixels), orientation));
  });

  it.each([0, 9, 65_535])('not at all by the senseless orientation %i', async (orientation) => {
    await expectSame(rgbPng({ before: [pngExif(orientation)] }), plainPng(smooth));
  });
});

/** Steps of 256, at any pixel of a tile: what quality 95 without subsampling of colours loses on a smooth image. */
const LARGEST_LOSS = 8;
/** Of all pixels together. */
const MEAN_LOSS = 1;
describe('case 16: lossy formats stay near the plain PNG', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['baseline JPEG', () => sharpOf(smooth).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()],
    [
      'progressive JPEG',
      () => sharpOf(smooth).jpeg({ quality: 95, chromaSubsampling: '4:4:4', progressive: true }).toBuffer(),
    ],
    ['grey JPEG', () => sharpOf(grey).greyscale().jpeg({ quality: 95 }).toBuffer()],
    ['lossy WebP', () => sharpOf(smooth).webp({ quality: 98, smartSubsample: true }).toBuffer()],
  ])('%s', async (name, make) => {
    const [got, wanted] = [
      await tilesOf(await make()),
      await tilesOf(plainPng(name === 'grey JPEG' ? grey : smooth)),
    ];
    expect(got.tiles).toHaveLength(wanted.tiles.length);
    const losses = Array.from(got.tiles, (value, index) => Math.abs(value - wanted.tiles[index]!));
    expect(losses.reduce((most, loss) => Math.max(most, loss), 0)).toBeLessThanOrEqual(LARGEST_LOSS);
    expect(losses.reduce((sum, loss) => sum + loss, 0) / losses.length).toBeLessThanOrEqual(MEAN_LOSS);
  });
});
