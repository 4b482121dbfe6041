import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { validateSize, readHeader } from './header.js';
import { sniffFormat } from './sniff.js';

const limits = { maxImagePixels: 50_000_000 };
const sizeOf = (file: Uint8Array) => readHeader(file, sniffFormat(file));
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const image = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#346' } });

const pngHeader = (width: number, height: number): Buffer => {
  const file = Buffer.concat([latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), Buffer.alloc(17)]);
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  file[24] = 1;
  return file;
};
const gifHeader = (
  width: number,
  height: number,
  frame: readonly [number, number, number, number],
): Buffer => {
  const file = Buffer.concat([latin('GIF89a'), Buffer.alloc(7), latin(','), Buffer.alloc(9)]);
  file.writeUInt16LE(width, 6);
  file.writeUInt16LE(height, 8);
  frame.forEach((value, index) => file.writeUInt16LE(value, 14 + index * 2));
  return file;
};
const webpHeader = (chunk: string, payload: readonly number[]): Buffer =>
  Buffer.concat([latin(`RIFF\0\0\0\0WEBP${chunk}\0\0\0\0`), Buffer.from(payload)]);

describe('readHeader', () => {
  const makers: [string, () => Sharp][] = [
    ['JPEG', () => image(321, 123).jpeg()],
    [
      'progressive JPEG with EXIF',
      () => image(321, 123).jpeg({ progressive: true }).withMetadata({ orientation: 6 }),
    ],
    ['PNG', () => image(321, 123).png()],
    ['lossy WebP', () => image(321, 123).webp()],
    ['lossless WebP', () => image(321, 123).webp({ lossless: true })],
    ['extended WebP', () => image(321, 123).webp().withMetadata({ orientation: 3 })],
    ['GIF', () => image(321, 123).gif()],
  ];
  it.each(makers)('reads the size of a %s', async (_, make) => {
    expect(sizeOf(await make().toBuffer())).toEqual({ widthPx: 321, heightPx: 123 });
  });

  it.each(makers)(
    'refuses a %s that is cut inside its header, and reads it from there on',
    async (_, make) => {
      const file = await make().toBuffer();
      let first = 0;
      for (let length = 12; length < file.length; length += 1) {
        try {
          expect(readHeader(file.subarray(0, length), sniffFormat(file))).toEqual({
            widthPx: 321,
            heightPx: 123,
          });
          first ||= length;
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect(error).toMatchObject({ code: 'image.undecodable' });
          expect(first).toBe(0);
        }
      }
      expect(first).toBeGreaterThan(12);
    },
  );

  describe('of a JPEG with bytes that belong to no segment', () => {
    const frame = latin('\xff\xc0\0\x0b\x08\0\x7b\x01\x41\x01\x01\x11\0');
    it.each([
      ['bytes between segments', latin('\xff\xe0\0\x04ab\x01\x02\x03')],
      ['a length that is too short', latin('\xff\xe1\0\x04abcdefg')],
      ['a length that does not count itself', latin('\xff\xe1\0\0abc')],
      ['values of a scan', latin('\xff\xe0\0\x02\xff\0\xff\0')],
      ['bytes that fill up', latin('\xff\xe0\0\x02\xff\xff\xff\xff')],
      ['a stray restart marker', latin('\xff\xe0\0\x02\xff\xd3')],
      [
        'as many bytes as a segment can hold',
        Buffer.concat([latin('\xff\xe1\0\x02'), Buffer.alloc(65_533, 7)]),
      ],
    ])('reads the size behind %s, as libjpeg does', (_, before) => {
      expect(sizeOf(Buffer.concat([latin('\xff\xd8'), before, frame]))).toEqual({
        widthPx: 321,
        heightPx: 123,
      });
    });
  });

  it('takes the larger of the screen and the first frame of a GIF', () => {
    expect(sizeOf(gifHeader(10, 10, [0, 0, 10, 10]))).toEqual({ widthPx: 10, heightPx: 10 });
    expect(sizeOf(gifHeader(1, 1, [5, 0, 60_000, 65_535]))).toEqual({ widthPx: 60_005, heightPx: 65_535 });
  });

  it.each([
    ['PNG without IHDR first', latin('\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\0\0\0\0\0\0')],
    ['PNG of no width', pngHeader(0, 5)],
    ['GIF whose first frame has no pixels', gifHeader(10, 10, [0, 0, 0, 10])],
    ['GIF without a frame', latin('GIF89a\x01\0\x01\0\0\0\0;')],
    ['WebP with a strange chunk', webpHeader('ALPH', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['WebP without a start code', webpHeader('VP8 ', [0, 0, 0, 1, 2, 3, 9, 0, 9, 0])],
    ['JPEG without a frame', latin('\xff\xd8\xff\xda\0\x08')],
    ['JPEG with rubbish between segments', latin('\xff\xd8\xff\xe0\0\x02rubbish')],
    ['JPEG with a segment of no length', latin('\xff\xd8\xff\xe0\0\x01')],
    ['JPEG of endless fill bytes', Buffer.concat([latin('\xff\xd8'), Buffer.alloc(20_000_000, 0xff)])],
    [
      'JPEG of endless zeros',
      Buffer.concat([latin('\xff\xd8\xff\xe0\0\x02'), Buffer.alloc(20_000_000), latin('\xff\xc0\0\x0b')]),
    ],
    [
      'JPEG of endless values of a scan',
      Buffer.concat([latin('\xff\xd8\xff\xe0\0\x02'), Buffer.alloc(20_000_000, latin('\xff\0'))]),
    ],
    ['JPEG that begins a second time', latin('\xff\xd8\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0')],
    [
      'JPEG that ends before its frame',
      latin('\xff\xd8\xff\xd9\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0'),
    ],
    [
      'JPEG of endless segments',
      Buffer.concat([latin('\xff\xd8'), Buffer.alloc(20_000_000, latin('\xff\xe0\0\x02'))]),
    ],
    [
      'GIF of endless extensions',
      Buffer.concat([latin('GIF89a\x01\0\x01\0\0\0\0'), Buffer.alloc(20_000_000, latin('!\xfe\0'))]),
    ],
    [
      'GIF of endless sub-blocks',
      Buffer.concat([latin('GIF89a\x01\0\x01\0\0\0\0!\xfe'), Buffer.alloc(20_000_000, 1)]),
    ],
  ])('refuses a %s', (_, file) => {
    expect(() => sizeOf(file)).toThrow(expect.objectContaining({ code: 'image.undecodable' }));
  });
});

describe('validateSize', () => {
  it.each([
    ['a PNG of 65500 × 65500 with 1 bit', pngHeader(65_500, 65_500)],
    ['a GIF screen of 65535 × 65535', gifHeader(65_535, 65_535, [0, 0, 1, 1])],
    ['a WebP of 16383 × 16383', webpHeader('VP8X', [0, 0, 0, 0, 0xfe, 0x3f, 0, 0xfe, 0x3f, 0])],
    ['a lossless WebP of 16384 × 16384', webpHeader('VP8L', [0x2f, 0xff, 0xff, 0xff, 0x0f])],
  ])('refuses %s on its header alone, naming the setting', (_, file) => {
    expect(file.length).toBeLessThan(60);
    const error = caught(() => validateSize(sizeOf(file), limits));
    expect(error).toMatchObject({
      code: 'image.too_large',
      details: { allowed: 50_000_000, setting: 'max_image_pixels' },
    });
    expect(String(error)).toContain('max_image_pixels allows 50000000');
  });

  it('takes an image of exactly the limit', () => {
    expect(() => validateSize({ widthPx: 10_000, heightPx: 5000 }, limits)).not.toThrow();
    expect(() => validateSize({ widthPx: 10_000, heightPx: 5001 }, limits)).toThrow('50010000 pixels');
  });

  it('refuses extreme shapes below the pixel limit', () => {
    expect(() => validateSize({ widthPx: 65_535, heightPx: 1 }, limits)).not.toThrow();
    expect(() => validateSize({ widthPx: 1, heightPx: 65_536 }, limits)).toThrow(
      'no side may be longer than 65535 pixels',
    );
    expect(() => validateSize(sizeOf(pngHeader(2 ** 32 - 1, 1)), limits)).toThrow('max_image_pixels');
  });

  const caught = (run: () => void): unknown => {
    try {
      run();
    } catch (error) {
      return error;
    }
    return undefined;
  };
});
