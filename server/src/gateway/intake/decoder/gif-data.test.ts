import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeGif } from '../../../../../test/hostile/files/gif.js';
import { noise } from '../../../image/noise.fixture.js';
import { HeaderBytes } from '../headers/bytes.js';
import { firstGifFrame } from '../headers/gif.js';
import { decodeImage, prepareDecoder } from './decode.js';
import { countGifPixels } from './gif-data.js';

beforeAll(prepareDecoder);

const count = (file: Uint8Array, enough = Infinity): number => {
  const bytes = new HeaderBytes(file, 'GIF');
  return countGifPixels(bytes, firstGifFrame(bytes).dataStart, enough);
};
const gif = (width: number, height: number): Buffer =>
  writeGif({ width, height, palette: [[1, 2, 3]], sample: (x, y) => (x * y) % 200 });

describe('countGifPixels', () => {
  it.each([
    [1, 1, 2],
    [300, 200, 2],
    [257, 31, 16],
    [120, 100, 256],
  ])(
    'counts all pixels of what an encoder makes of noise: %i × %i in %i colours',
    async (width, height, colours) => {
      const { pixels } = noise(width, height);
      const file = await sharp(pixels, { raw: { width, height, channels: 3 } })
        .gif({ colours })
        .toBuffer();
      expect(count(file)).toBe(width * height);
    },
  );

  it('stops when there are enough', () => {
    expect(count(gif(20, 10), 50)).toBe(50);
  });

  it('counts what is there of data that are cut or broken anywhere', () => {
    const file = gif(20, 10);
    const { dataStart } = firstGifFrame(new HeaderBytes(file, 'GIF'));
    for (let length = dataStart + 1; length < file.length; length += 1)
      expect(count(file.subarray(0, length))).toBeLessThanOrEqual(200);
    for (let at = dataStart + 1; at < file.length; at += 1) {
      const flipped = Buffer.from(file);
      flipped[at] = (flipped[at] ?? 0) ^ 0x55;
      expect(count(flipped, 1_000_000)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('a GIF', () => {
  /** The descriptor stands behind screen (13 bytes), palette (768) and control extension (8). */
  const HEIGHT_AT = 13 + 768 + 8 + 7;
  const ofHeight = (height: number): Buffer => {
    const file = gif(20, 10);
    file.writeUInt16LE(height, HEIGHT_AT);
    return file;
  };

  it('whose data end early is refused with both numbers, although its blocks are whole', async () => {
    await expect(decodeImage(ofHeight(11), 'gif', 1000)).rejects.toMatchObject({
      code: 'image.undecodable',
      message: expect.stringContaining('end after 200 of 220 pixels') as string,
    });
  });

  it('whose data are as long as they must be, or longer, is taken', async () => {
    expect((await decodeImage(ofHeight(10), 'gif', 1000)).heightPx).toBe(10);
    expect((await decodeImage(ofHeight(9), 'gif', 1000)).heightPx).toBe(10);
  });
});
