import { describe, expect, it } from 'vitest';
import { InputError } from '../../../errors.js';
import { decodeBmp } from './bmp.js';

interface Parts {
  width: number;
  height: number;
  bits: number;
  rows: readonly (readonly number[])[];
  compression?: number;
  palette?: readonly number[];
  headerBytes?: number;
  /** Red, green, blue, alpha. */
  masks?: readonly number[];
}

/** Rows are given as they stand in the file, without padding. */
function bmp({
  width,
  height,
  bits,
  rows,
  compression = 0,
  palette = [],
  headerBytes = 40,
  masks = [],
}: Parts): Buffer {
  const core = headerBytes === 12;
  const maskBytes = headerBytes === 40 ? masks.length * 4 : 0;
  const header = Buffer.alloc(14 + headerBytes + maskBytes);
  header.write('BM');
  header.writeUInt32LE(header.length + palette.length, 10);
  header.writeUInt32LE(headerBytes, 14);
  if (core) {
    header.writeUInt16LE(width, 18);
    header.writeUInt16LE(height, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt16LE(bits, 24);
  } else {
    header.writeInt32LE(width, 18);
    header.writeInt32LE(height, 22);
    header.writeUInt16LE(1, 26);
    header.writeUInt16LE(bits, 28);
    header.writeUInt32LE(compression, 30);
    masks.forEach((mask, index) => header.writeUInt32LE(mask, 54 + index * 4));
  }
  const padded = rows.map((row) =>
    Buffer.concat([Buffer.from(row), Buffer.alloc((4 - (row.length % 4)) % 4)]),
  );
  return Buffer.concat([header, Buffer.from(palette), ...padded]);
}

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];

describe('decodeBmp', () => {
  it.each([12, 40, 56, 108, 124])('reads 24 bits from the bottom up, header of %i bytes', (headerBytes) => {
    const file = bmp({
      width: 2,
      height: 2,
      bits: 24,
      headerBytes,
      rows: [
        [0, 0, 255, 0, 255, 0],
        [255, 0, 0, 255, 255, 255],
      ],
    });
    const { widthPx, heightPx, pixels } = decodeBmp(file);
    expect([widthPx, heightPx]).toEqual([2, 2]);
    expect([...pixels]).toEqual([...BLUE, ...WHITE, ...RED, ...GREEN]);
  });

  it('reads rows from the top when the height is negative', () => {
    const file = bmp({
      width: 1,
      height: -2,
      bits: 24,
      rows: [
        [0, 0, 255],
        [255, 0, 0],
      ],
    });
    expect([...decodeBmp(file).pixels]).toEqual([...RED, ...BLUE]);
  });

  it.each([
    [1, [0b01010000]],
    [4, [0x01, 0x01]],
    [8, [0, 1, 0, 1]],
  ])('reads %i bits with a palette', (bits, row) => {
    const palette = [0, 0, 255, 0, 255, 0, 0, 0];
    const file = bmp({ width: 4, height: 1, bits, palette, rows: [row] });
    expect([...decodeBmp(file).pixels]).toEqual([...RED, ...BLUE, ...RED, ...BLUE]);
  });

  it('reads palettes of three bytes a colour in the oldest header', () => {
    const file = bmp({
      width: 2,
      height: 1,
      bits: 8,
      headerBytes: 12,
      palette: [0, 0, 255, 0, 255, 0],
      rows: [[1, 0]],
    });
    expect([...decodeBmp(file).pixels]).toEqual([...GREEN, ...RED]);
  });

  it('shows colours beyond the palette as black', () => {
    const file = bmp({ width: 2, height: 1, bits: 8, palette: [255, 255, 255, 0], rows: [[0, 200]] });
    expect([...decodeBmp(file).pixels]).toEqual([...WHITE, 0, 0, 0]);
  });

  it('reads 32 bits and ignores the fourth byte without masks', () => {
    const file = bmp({ width: 2, height: 1, bits: 32, rows: [[0, 0, 255, 0, 0, 255, 0, 77]] });
    expect([...decodeBmp(file).pixels]).toEqual([...RED, ...GREEN]);
  });

  it('reads 16 bits as 5-5-5, and as 5-6-5 with masks', () => {
    const row = [0x00, 0x7c, 0xe0, 0x03, 0xff, 0x7f];
    expect([...decodeBmp(bmp({ width: 3, height: 1, bits: 16, rows: [row] })).pixels]).toEqual([
      ...RED,
      ...GREEN,
      ...WHITE,
    ]);
    const wide = [0x00, 0xf8, 0xe0, 0x07, 0xff, 0xff];
    const masks = [0xf800, 0x07e0, 0x001f];
    const file = bmp({ width: 3, height: 1, bits: 16, compression: 3, masks, rows: [wide] });
    expect([...decodeBmp(file).pixels]).toEqual([...RED, ...GREEN, ...WHITE]);
  });

  it('lays alpha on white where a mask declares it', () => {
    const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
    const rows = [[0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 51]];
    const file = bmp({ width: 3, height: 1, bits: 32, compression: 3, headerBytes: 124, masks, rows });
    expect([...decodeBmp(file).pixels]).toEqual([...RED, ...WHITE, 204, 204, 204]);
  });

  it.each([
    ['8-bit run lengths', 8, 1],
    ['4-bit run lengths', 4, 2],
    ['embedded JPEG data', 24, 4],
    ['compression 77', 24, 77],
  ])('refuses %s by name', (name, bits, compression) => {
    const file = bmp({ width: 1, height: 1, bits, compression, rows: [[0, 0, 0]] });
    expect(() => decodeBmp(file)).toThrow(expect.objectContaining({ code: 'image.format_unsupported' }));
    expect(() => decodeBmp(file)).toThrow(name);
  });

  it('refuses masks with gaps and bit depths that do not exist', () => {
    const masks = [0xf0f0, 0x0f00, 0x000f];
    const gaps = bmp({ width: 1, height: 1, bits: 16, compression: 3, masks, rows: [[0, 0]] });
    expect(() => decodeBmp(gaps)).toThrow(expect.objectContaining({ code: 'image.undecodable' }));
    const depth = bmp({ width: 1, height: 1, bits: 7, rows: [[0, 0]] });
    expect(() => decodeBmp(depth)).toThrow('7 bits per pixel');
  });

  it('refuses a file that is cut anywhere, before allocating its pixels', () => {
    const file = bmp({
      width: 3,
      height: 2,
      bits: 24,
      rows: [
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      ],
    });
    // The padding of the last row may be missing.
    for (let length = 0; length < file.length - 3; length += 1) {
      expect(() => decodeBmp(file.subarray(0, length))).toThrow(InputError);
    }
    expect(decodeBmp(file.subarray(0, file.length - 3)).pixels).toHaveLength(18);
    const huge = bmp({ width: 60_000, height: 60_000, bits: 1, rows: [[0]] });
    expect(() => decodeBmp(huge)).toThrow(expect.objectContaining({ code: 'image.undecodable' }));
  });
});
