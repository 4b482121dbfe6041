// Small valid files of every accepted format, in the variants that decoders treat differently. Mutations start from them.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { BMP_COMPRESSION, bmpFile, bmpPalette, bmpRows, bmpRuns8, writeBmp } from './bmp.js';
import { pngExif, pngTextExif, withJpegExif } from './exif.js';
import { writeGif } from './gif.js';
import { chunk, writePng, type PngImage } from './png.js';

export interface NamedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const WIDTH = 61;
const HEIGHT = 47;
const sample = (x: number, y: number, channel: number): number =>
  (x * 5 + y * (channel + 2) + channel * 40) & 0xff;
const PALETTE = Array.from({ length: 256 }, (_, index) => [index, 255 - index, (index * 7) & 0xff] as const);

export async function validFiles(): Promise<NamedFile[]> {
  const files: [string, Buffer | Promise<Buffer>][] = [...pngs(), ...gifs(), ...bmps(), ...encoded()];
  return Promise.all(files.map(async ([name, bytes]) => ({ name, bytes: await bytes })));
}

/** The photograph of the demo model. */
export const photograph = (): Buffer =>
  readFileSync(new URL('../../../models/demo/images/two-shapes.jpg', import.meta.url));

function pngs(): [string, Buffer][] {
  const size = { width: WIDTH, height: HEIGHT } as const;
  const rgb: PngImage = { ...size, colourType: 'rgb', bitDepth: 8, sample, filter: 'mixed' };
  const palette = chunk('PLTE', Buffer.from(PALETTE.flat()));
  return [
    ['rgb.png', writePng(rgb)],
    ['interlaced.png', writePng({ ...rgb, isInterlaced: true })],
    ['oriented.png', writePng({ ...rgb, before: [pngExif(6)] })],
    ['oriented-behind.png', writePng({ ...rgb, after: [pngExif(8)] })],
    ['oriented-text.png', writePng({ ...rgb, before: [pngTextExif(5, 'zTXt')] })],
    ['rgba.png', writePng({ ...rgb, colourType: 'rgba' })],
    ['deep.png', writePng({ ...rgb, bitDepth: 16, sample: (x, y, c) => sample(x, y, c) * 257 })],
    ['grey-alpha.png', writePng({ ...rgb, colourType: 'greyAlpha' })],
    ['grey-1.png', writePng({ ...rgb, colourType: 'grey', bitDepth: 1, sample: (x, y) => (x + y) & 1 })],
    [
      'palette.png',
      writePng({ ...rgb, colourType: 'palette', before: [palette, chunk('tRNS', Buffer.alloc(9))] }),
    ],
  ];
}

function gifs(): [string, Buffer][] {
  const gif = {
    width: WIDTH,
    height: HEIGHT,
    palette: PALETTE,
    sample: (x: number, y: number) => sample(x, y, 0),
  };
  return [
    ['plain.gif', writeGif(gif)],
    ['interlaced.gif', writeGif({ ...gif, isInterlaced: true })],
    ['margin.gif', writeGif({ ...gif, canvas: { width: WIDTH + 9, height: HEIGHT + 5, left: 4, top: 2 } })],
    ['animated.gif', writeGif({ ...gif, frames: 3, transparentIndex: 7 })],
  ];
}

function bmps(): [string, Buffer][] {
  const size = { width: WIDTH, height: HEIGHT } as const;
  const colour = (x: number, y: number) => [sample(x, y, 0), sample(x, y, 1), sample(x, y, 2)] as const;
  const index = (x: number, y: number) => sample(x >> 3, y, 0);
  const palette = bmpPalette(PALETTE);
  const packed = (x: number, y: number) => colour(x, y).reduce((sum, value) => sum * 256 + value, 0);
  const masked = { ...size, bits: 32, version: 124, compression: BMP_COMPRESSION.masks } as const;
  return [
    [
      'runs.bmp',
      bmpFile({
        ...size,
        bits: 8,
        compression: BMP_COMPRESSION.runs8,
        palette,
        pixels: bmpRuns8(WIDTH, HEIGHT, index),
      }),
    ],
    [
      '1.bmp',
      bmpFile({
        ...size,
        bits: 1,
        palette: palette.subarray(0, 8),
        pixels: bmpRows(WIDTH, HEIGHT, 1, (x, y) => (x ^ y) & 1),
      }),
    ],
    [
      '16.bmp',
      bmpFile({
        ...size,
        bits: 16,
        pixels: bmpRows(WIDTH, HEIGHT, 16, (x, y) => (x * 997 + y * 31) & 0xffff),
      }),
    ],
    [
      'alpha.bmp',
      bmpFile({
        ...masked,
        masks: [0xff0000, 0xff00, 0xff, 0xff000000],
        pixels: bmpRows(WIDTH, HEIGHT, 32, (x, y) => packed(x, y) + x * 2 ** 24),
      }),
    ],
    [
      'offset-0.bmp',
      bmpFile({ ...size, bits: 8, palette, statedOffset: 0, pixels: bmpRows(WIDTH, HEIGHT, 8, index) }),
    ],
    ['24.bmp', writeBmp({ ...size, bits: 24, pixel: colour })],
    ['32.bmp', writeBmp({ ...size, bits: 32, isTopDown: true, pixel: colour })],
    ['8.bmp', writeBmp({ ...size, bits: 8, palette: PALETTE, pixel: (x, y) => sample(x, y, 0) })],
  ];
}

function encoded(): [string, Promise<Buffer>][] {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y += 1)
    for (let x = 0; x < WIDTH; x += 1)
      for (let c = 0; c < 3; c += 1) pixels[(y * WIDTH + x) * 3 + c] = sample(x, y, c);
  const image = () => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
  const animated = () =>
    sharp(pixels.subarray(0, WIDTH * (HEIGHT - 1) * 3), {
      raw: { width: WIDTH, height: HEIGHT - 1, channels: 3, pageHeight: (HEIGHT - 1) / 2 },
    });
  return [
    ['baseline.jpg', image().jpeg().toBuffer()],
    ['progressive.jpg', image().jpeg({ progressive: true }).toBuffer()],
    ['grey.jpg', image().greyscale().jpeg().toBuffer()],
    ['cmyk.jpg', image().toColourspace('cmyk').jpeg().toBuffer()],
    ['profile.jpg', image().withIccProfile('p3').jpeg().toBuffer()],
    [
      'oriented.jpg',
      image()
        .jpeg()
        .toBuffer()
        .then((jpeg) => withJpegExif(jpeg, 5)),
    ],
    [
      'stray.jpg',
      image()
        .jpeg()
        .toBuffer()
        .then((jpeg) =>
          Buffer.concat([
            withJpegExif(jpeg, 1).subarray(0, -jpeg.length + 2),
            Buffer.from([1, 2, 3]),
            jpeg.subarray(2),
          ]),
        ),
    ],
    [
      'endless.jpg',
      image()
        .jpeg({ progressive: true })
        .toBuffer()
        .then((jpeg) => jpeg.subarray(0, -2)),
    ],
    ['lossy.webp', image().webp().toBuffer()],
    ['lossless.webp', image().webp({ lossless: true }).toBuffer()],
    ['alpha.webp', image().ensureAlpha(0.5).webp().toBuffer()],
    ['animated.webp', animated().webp({ loop: 0 }).toBuffer()],
  ];
}
