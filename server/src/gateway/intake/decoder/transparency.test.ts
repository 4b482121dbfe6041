// Images that are transparent in every way that a format has, against the arithmetic of Pillow's alpha_composite.
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeGif } from '../../../../../test/hostile/files/gif.js';
import { chunk, writePng, type PngImage } from '../../../../../test/hostile/files/png.js';
import { sniffFormat } from '../sniff.js';
import { decodeImage, prepareDecoder } from './decode.js';

beforeAll(prepareDecoder);

const pixelsOf = async (bytes: Uint8Array): Promise<number[]> => [
  ...(await decodeImage(bytes, sniffFormat(bytes), 50_000_000)).pixels,
];
/** As Pillow has it: the exact value, rounded. */
const composite = (value: number, alpha: number): number =>
  Math.floor((value * alpha + 255 * (255 - alpha)) / 255 + 0.5);
/** Every alpha (across) with 64 values (down); three colours that differ. */
const WIDTH = 256;
const HEIGHT = 64;
const colour = (y: number, channel: number): number => (y * 4 + channel * 77) & 0xff;
const composited = (): number[] =>
  Array.from({ length: HEIGHT * WIDTH * 3 }, (_, index) =>
    composite(colour(Math.floor(index / (WIDTH * 3)), index % 3), Math.floor(index / 3) % WIDTH),
  );
const rgba: PngImage = {
  width: WIDTH,
  height: HEIGHT,
  colourType: 'rgba',
  bitDepth: 8,
  sample: (x, y, channel) => (channel === 3 ? x : colour(y, channel)),
};
const raw = () =>
  sharp(
    Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, index) =>
      rgba.sample(Math.floor(index / 4) % WIDTH, Math.floor(index / (WIDTH * 4)), index % 4),
    ),
    { raw: { width: WIDTH, height: HEIGHT, channels: 4 } },
  );

describe('half-transparent pixels have the values of Pillow', () => {
  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ['PNG of 8 bits', () => writePng(rgba)],
    ['interlaced PNG', () => writePng({ ...rgba, isInterlaced: true })],
    [
      'PNG of 16 bits, by their high bytes',
      () =>
        writePng({
          ...rgba,
          bitDepth: 16,
          sample: (x, y, c) => rgba.sample(x, y, c) * 256 + ((x * y) & 0xff),
        }),
    ],
    ['lossless WebP', () => raw().webp({ lossless: true, exact: true }).toBuffer()],
  ])('in a %s', async (_, make) => {
    expect(await pixelsOf(await make())).toEqual(composited());
  });

  it.each([8, 16] as const)('in a grey PNG with alpha, of %i bits', async (bitDepth) => {
    const scale = bitDepth === 16 ? 256 : 1;
    const file = writePng({
      width: WIDTH,
      height: HEIGHT,
      colourType: 'greyAlpha',
      bitDepth,
      sample: (x, y, channel) => (channel === 1 ? x : colour(y, 0)) * scale + (scale - 1),
    });
    const expected = Array.from({ length: WIDTH * HEIGHT }, (_, pixel) =>
      composite(colour(Math.floor(pixel / WIDTH), 0), pixel % WIDTH),
    );
    expect(await pixelsOf(file)).toEqual(expected.flatMap((value) => [value, value, value]));
  });

  it.each([1, 2, 4, 8] as const)('in a PNG with a palette of %i bits', async (bitDepth) => {
    const colours = 2 ** bitDepth;
    const alphaOf = (index: number): number => (index * 37 + 64) & 0xff;
    const palette = Buffer.from(Array.from({ length: colours * 3 }, (_, at) => (at * 11 + 10) & 0xff));
    // The last colour has no entry of its own, so it is opaque.
    const alphas = Buffer.from(Array.from({ length: colours - 1 }, (_, index) => alphaOf(index)));
    const file = writePng({
      width: colours,
      height: 1,
      colourType: 'palette',
      bitDepth,
      sample: (x) => x,
      before: [chunk('PLTE', palette), chunk('tRNS', alphas)],
    });
    const expected = Array.from(palette, (value, at) =>
      composite(value, Math.floor(at / 3) === colours - 1 ? 255 : alphaOf(Math.floor(at / 3))),
    );
    expect(await pixelsOf(file)).toEqual(expected);
  });
});

describe('a transparent colour lies on white', () => {
  it.each([1, 2, 4, 8, 16] as const)('in a grey PNG of %i bits', async (bitDepth) => {
    // Pillow 12.3 compares the colour of 2, 4 and 16 bits with values that it has scaled, and finds it nowhere; the PNG specification
    // (11.3.2.1) compares the values of the file.
    const top = 2 ** bitDepth - 1;
    const file = writePng({
      width: 2,
      height: 1,
      colourType: 'grey',
      bitDepth,
      sample: (x) => (x === 0 ? 0 : top),
      before: [chunk('tRNS', Buffer.from([0, 0]))],
    });
    expect(await pixelsOf(file)).toEqual([255, 255, 255, 255, 255, 255]);
    const other = writePng({
      width: 2,
      height: 1,
      colourType: 'grey',
      bitDepth,
      sample: (x) => (x === 0 ? 0 : top),
      before: [chunk('tRNS', Buffer.from([top >> 8, top & 0xff]))],
    });
    expect(await pixelsOf(other)).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it.each([8, 16] as const)('in an RGB PNG of %i bits, for that colour alone', async (bitDepth) => {
    const key = [1, 2, 3];
    const file = writePng({
      width: 2,
      height: 1,
      colourType: 'rgb',
      bitDepth,
      sample: (x, _, channel) => (key[channel] ?? 0) + (x === 1 && channel === 2 ? 1 : 0),
      before: [chunk('tRNS', Buffer.from([0, 1, 0, 2, 0, 3]))],
    });
    const neighbour = bitDepth === 8 ? [1, 2, 4] : [0, 0, 0];
    expect(await pixelsOf(file)).toEqual([255, 255, 255, ...neighbour]);
  });

  it('in a GIF', async () => {
    const pixels = Uint8Array.of(0, 255, 0, 0, 10, 20, 30, 255);
    const file = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .gif()
      .toBuffer();
    expect(await pixelsOf(file)).toEqual([255, 255, 255, 10, 20, 30]);
  });
});

describe('what the first frame of a GIF leaves free of its canvas is white', () => {
  const [red, blue] = [
    [255, 0, 0],
    [0, 0, 255],
  ] as const;
  /** Two columns and one row, red and blue. */
  const frame = {
    width: 2,
    height: 1,
    palette: [red, blue],
    sample: (x: number, _: number, index: number) => (x + index) % 2,
  };
  const white = (pixels: number): number[] => new Array<number>(pixels * 3).fill(255);
  it.each([{}, { frames: 2 }, { isInterlaced: true }, { transparentIndex: 7 }])(
    'around a frame with %j',
    async (more) => {
      const file = writeGif({ ...frame, ...more, canvas: { width: 4, height: 3, left: 1, top: 1 } });
      expect(await pixelsOf(file)).toEqual([...white(5), ...red, ...blue, ...white(5)]);
    },
  );

  it('where the frame reaches beyond the canvas, which grows', async () => {
    const file = writeGif({ ...frame, canvas: { width: 2, height: 1, left: 1, top: 1 } });
    expect(await pixelsOf(file)).toEqual([...white(4), ...red, ...blue]);
  });

  it('and nothing is whitened where it covers all', async () => {
    expect(await pixelsOf(writeGif({ ...frame, canvas: { width: 1, height: 1, left: 0, top: 0 } }))).toEqual([
      ...red,
      ...blue,
    ]);
  });
});
