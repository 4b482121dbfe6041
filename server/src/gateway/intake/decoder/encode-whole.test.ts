import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { noise } from '../../../image/noise.fixture.js';
import { readHeader } from '../header.js';
import { encodeWhole } from './encode-whole.js';

describe('a whole image as a PNG file', () => {
  it('has the very pixels, and nothing else', async () => {
    const bitmap = noise(37, 21, 1);
    const png = await encodeWhole(bitmap, 1_000);
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 37, height: 21, channels: 3 });
    expect(Buffer.compare(data, bitmap.pixels)).toBe(0);
    const { exif, icc, xmp } = await sharp(png).metadata();
    expect({ exif, icc, xmp }).toEqual({});
  });

  it('is shrunk to what is allowed, and no larger than its pixels then', async () => {
    const png = await encodeWhole(noise(200, 100, 2), 5_000);
    expect(readHeader(png, 'png')).toEqual({ widthPx: 100, heightPx: 50 });
    expect(png.length).toBeLessThan((100 * 3 + 1) * 50 * 1.01 + 1024);
  });
});
