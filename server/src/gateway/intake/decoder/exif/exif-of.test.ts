import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { orientationExif, pngExif, pngText, pngTextExif } from '../../../../../../test/hostile/files/exif.js';
import { chunk, writePng } from '../../../../../../test/hostile/files/png.js';
import { exifOf } from './exif-of.js';
import { readOrientation } from './orientation.js';

/** Null where there are no EXIF data. */
const orientationOf = (file: Uint8Array, format: 'png' | 'jpeg' | 'webp'): number | null => {
  const exif = exifOf(file, format);
  return exif === undefined ? null : readOrientation(exif);
};
const png = (before: readonly Buffer[], after: readonly Buffer[] = []): Buffer =>
  writePng({ width: 2, height: 1, colourType: 'grey', bitDepth: 8, sample: (x) => x, before, after });
const seen = (before: readonly Buffer[], after: readonly Buffer[] = []): number | null =>
  orientationOf(png(before, after), 'png');
const PROFILE = 'Raw profile type exif';
const hexLines = (digits: string): string => `\nexif\n      99\n${digits}\n`;

describe('exifOf a PNG file', () => {
  it('finds the chunk in front of the pixels and behind them, and nothing behind the end', () => {
    expect(seen([])).toBe(null);
    expect(seen([pngExif(6)])).toBe(6);
    expect(seen([], [pngExif(8)])).toBe(8);
    expect(orientationOf(Buffer.concat([png([]), pngExif(6)]), 'png')).toBe(null);
  });

  it('finds the text that older ImageMagick wrote', () => {
    for (const kind of ['tEXt', 'zTXt', 'iTXt', 'compressed iTXt'] as const) {
      expect(seen([pngTextExif(6, kind)]), kind).toBe(6);
      expect(seen([], [pngTextExif(5, kind)]), kind).toBe(5);
    }
  });

  // Each as Pillow 12.3.0 has it.
  it('takes the chunk before the text, and the last of each', () => {
    expect(seen([pngExif(6)], [pngExif(3)])).toBe(3);
    expect(seen([pngExif(6), pngExif(8)])).toBe(8);
    expect(seen([pngTextExif(6, 'zTXt'), pngExif(3)])).toBe(3);
    expect(seen([pngExif(3)], [pngTextExif(6, 'zTXt')])).toBe(3);
    expect(seen([pngTextExif(6, 'zTXt'), pngTextExif(8, 'tEXt')])).toBe(8);
    expect(seen([pngTextExif(6, 'iTXt')], [pngTextExif(7, 'zTXt')])).toBe(7);
    expect(seen([chunk('eXIf', Buffer.alloc(0)), pngTextExif(6, 'zTXt')])).toBe(1);
  });

  it('takes a text named exif for the chunk, and looks at no other name', () => {
    const raw = (keyword: string): Buffer => pngText(keyword, orientationExif(6).toString('latin1'), 'tEXt');
    expect(seen([raw('exif')])).toBe(6);
    expect(seen([raw('exif'), pngExif(3)])).toBe(3);
    expect(seen([raw('EXIF')])).toBe(null);
    expect(seen([pngTextExif(6, 'zTXt', 'Raw profile type APP1')])).toBe(null);
    expect(seen([pngText('XML:com.adobe.xmp', '<x tiff:Orientation="6"/>', 'iTXt')])).toBe(null);
  });

  it('reads digits of either case and with blanks, with or without the prefix', () => {
    const digits = orientationExif(6).toString('hex');
    expect(seen([pngText(PROFILE, hexLines(digits), 'zTXt')])).toBe(6);
    expect(seen([pngText(PROFILE, hexLines(digits.toUpperCase()), 'zTXt')])).toBe(6);
    expect(seen([pngText(PROFILE, hexLines(digits.replaceAll(/../gu, '$& ')), 'zTXt')])).toBe(6);
    expect(seen([pngText(PROFILE, hexLines(digits).replaceAll('\n', '\r\n'), 'zTXt')])).toBe(6);
  });

  it.each([
    ['text that is no digits', pngText(PROFILE, hexLines('zz'), 'zTXt')],
    ['text without its three lines', pngText(PROFILE, orientationExif(6).toString('hex'), 'zTXt')],
    ['text that does not inflate', chunk('zTXt', Buffer.from(`${PROFILE}\0\0broken`, 'latin1'))],
    ['a text chunk without a text', chunk('zTXt', Buffer.from(PROFILE, 'latin1'))],
    ['an iTXt chunk that ends in its header', chunk('iTXt', Buffer.from(`${PROFILE}\0\0\0`, 'latin1'))],
  ])('turns nothing by %s', (_, broken) => {
    expect(seen([broken]) ?? 1).toBe(1);
  });

  it('inflates one text, and no more of it than 1 MiB', () => {
    const bomb = pngText(PROFILE, hexLines('0'.repeat(2 ** 21)), 'zTXt');
    expect(seen([bomb])).toBe(null);
    const start = performance.now();
    expect(seen([...Array.from({ length: 5000 }, () => bomb), pngTextExif(6, 'zTXt')])).toBe(6);
    // All of them would take half a minute.
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('stops where a chunk reaches beyond the file', () => {
    const file = png([pngExif(6)], [pngExif(3)]);
    for (let length = 8; length < file.length; length += 1)
      expect([null, 6, 3]).toContain(orientationOf(file.subarray(0, length), 'png'));
  });
});

describe('exifOf a JPEG file', () => {
  const app1 = (content: string | Buffer): Buffer => {
    const bytes = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), Buffer.from(content)]);
    return Buffer.concat([Buffer.from([0xff, 0xe1, 0, bytes.length + 2]), bytes]);
  };
  const jpeg = async (...segments: readonly Buffer[]): Promise<Buffer> => {
    const file = await sharp({ create: { width: 2, height: 1, channels: 3, background: '#369' } })
      .jpeg()
      .toBuffer();
    return Buffer.concat([file.subarray(0, 2), ...segments, file.subarray(2)]);
  };
  const exif = orientationExif(6);

  it('finds them behind other segments and stray bytes', async () => {
    expect(orientationOf(await jpeg(), 'jpeg')).toBe(null);
    const xmp = Buffer.from('\xff\xe1\0\x05xap\x01\x02', 'latin1');
    expect(orientationOf(await jpeg(xmp, app1(exif)), 'jpeg')).toBe(6);
  });

  it('joins the segments that they are spread over', async () => {
    const [first, second] = [app1(exif.subarray(0, 15)), app1(exif.subarray(15))];
    expect(orientationOf(await jpeg(first, second), 'jpeg')).toBe(6);
    expect(orientationOf(await jpeg(app1(exif), app1(orientationExif(3))), 'jpeg')).toBe(6);
  });
});

describe('exifOf a WebP file', () => {
  it('finds the chunk where the header announces it', async () => {
    const file = await sharp({ create: { width: 2, height: 1, channels: 3, background: '#369' } })
      .withMetadata({ orientation: 6 })
      .webp()
      .toBuffer();
    expect(orientationOf(file, 'webp')).toBe(6);
    file[20] = (file[20] ?? 0) & ~0x08;
    expect(orientationOf(file, 'webp')).toBe(null);
    for (let length = 22; length < file.length; length += 1)
      expect([null, 1, 6]).toContain(orientationOf(file.subarray(0, length), 'webp'));
  });
});
