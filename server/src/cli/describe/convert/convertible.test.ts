import { describe, expect, it } from 'vitest';
import { convertibleFormat } from './convertible.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('convertibleFormat', () => {
  it.each([
    ['TIFF', 'II*\0\x08\0\0\0'],
    ['TIFF', 'MM\0*\0\0\0\x08'],
    ['TIFF', 'II+\0\x08\0\0\0'],
    ['TIFF', 'MM\0+\0\x08\0\0'],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['HEIC', '\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf'],
    ['HEIC', '\0\0\0\x18ftyphevc\0\0\0\0heis'],
    ['HEIC', '\0\0\0\x10ftypmsf1\0\0\0\0'],
    ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf'],
    ['AVIF', '\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf'],
    ['AVIF', '\0\0\0\x14ftypavis\0\0\0\0avis'],
  ])('sees %s by its first bytes', (format, start) => {
    expect(convertibleFormat(bytes(start))).toBe(format);
  });

  it.each([
    ['a film', '\0\0\0\x18ftypisom\0\0\0\0isommp42'],
    ['a brand in the version', '\0\0\0\x10ftypisom\0avi'],
    ['a brand behind the first box', '\0\0\0\x10ftypisom\0\0\0\0avif'],
    ['a PNG', '\x89PNG\r\n\x1a\n'],
    ['a TIFF that is cut', 'II*'],
    ['a box that is cut', '\0\0\0\x18ftyp'],
    ['nothing', ''],
  ])('takes %s for something else', (_, start) => {
    expect(convertibleFormat(bytes(start))).toBe(null);
  });
});
