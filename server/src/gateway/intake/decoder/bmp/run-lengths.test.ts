import { describe, expect, it } from 'vitest';
import {
  BMP_COMPRESSION,
  bmpFile,
  bmpPalette,
  bmpRuns8,
  type BmpFile,
} from '../../../../../../test/hostile/files/bmp.js';
import { InputError } from '../../../../errors.js';
import { decodeBmp } from './bmp.js';

/** Index n is the grey n. */
const PALETTE = bmpPalette(Array.from({ length: 256 }, (_, index) => [index, index, index] as const));
const file8 = (width: number, height: number, ...pixels: number[]): BmpFile => ({
  width,
  height,
  bits: 8,
  compression: BMP_COMPRESSION.runs8,
  palette: PALETTE,
  pixels: Uint8Array.from(pixels),
});
const file4 = (width: number, height: number, ...pixels: number[]): BmpFile => ({
  ...file8(width, height, ...pixels),
  bits: 4,
  compression: BMP_COMPRESSION.runs4,
  palette: PALETTE.subarray(0, 64),
});
/** Rows of indices, from the top. */
function seen(file: BmpFile): number[][] {
  const { widthPx, heightPx, pixels } = decodeBmp(bmpFile(file));
  return Array.from({ length: heightPx }, (_, y) =>
    Array.from({ length: widthPx }, (_column, x) => pixels[(y * widthPx + x) * 3] ?? -1),
  );
}
const [ROW_ENDS, IMAGE_ENDS, LEAP] = [
  [0, 0],
  [0, 1],
  [0, 2],
] as const;

describe('run lengths of 8 bits', () => {
  it('are runs and absolute pixels, row by row from the bottom', () => {
    const runs = [3, 7, 1, 9, ...ROW_ENDS, 0, 3, 1, 2, 3, 0, 1, 4, ...IMAGE_ENDS];
    expect(seen(file8(4, 2, ...runs))).toEqual([
      [1, 2, 3, 4],
      [7, 7, 7, 9],
    ]);
  });

  it('give the pixels that a plain file has', () => {
    const sample = (x: number, y: number): number => (y % 3 === 0 ? x >> 4 : (x * 7 + y) & 0xff);
    const pixels = bmpRuns8(300, 20, sample);
    const rows = seen({ ...file8(300, 20), pixels });
    rows.forEach((row, y) => row.forEach((value, x) => expect(value).toBe(sample(x, y))));
  });

  it('leap over pixels, which have colour 0', () => {
    const white = bmpPalette([
      [255, 255, 255],
      [1, 1, 1],
    ]);
    const runs = [1, 1, ...LEAP, 1, 1, 1, 1, ...IMAGE_ENDS];
    expect(seen({ ...file8(4, 3, ...runs), palette: white })).toEqual([
      [255, 255, 255, 255],
      [255, 255, 1, 255],
      [1, 255, 255, 255],
    ]);
  });

  it('may leave rows empty, or end before the last', () => {
    expect(seen(file8(2, 4, ...ROW_ENDS, 2, 5, ...ROW_ENDS, ...ROW_ENDS, 1, 6, ...IMAGE_ENDS))).toEqual([
      [6, 0],
      [0, 0],
      [5, 5],
      [0, 0],
    ]);
    expect(seen(file8(2, 2, 2, 5, ...IMAGE_ENDS))).toEqual([
      [0, 0],
      [5, 5],
    ]);
  });

  it('paint nothing beyond their row', () => {
    const runs = [
      200,
      1,
      5,
      9,
      ...ROW_ENDS,
      0,
      4,
      1,
      2,
      3,
      4,
      0,
      3,
      5,
      6,
      7,
      0,
      ...ROW_ENDS,
      ...LEAP,
      9,
      0,
      3,
      8,
      ...IMAGE_ENDS,
    ];
    expect(seen(file8(3, 3, ...runs))).toEqual([
      [0, 0, 0],
      [1, 2, 3],
      [1, 1, 1],
    ]);
    expect(seen(file8(1, 1, 1, 4, ...LEAP, 255, 255, 1, 9, 1, 9))).toEqual([[4]]);
  });

  it('may be written from the top, as Pillow takes them', () => {
    expect(seen({ ...file8(1, 2, 1, 4, ...ROW_ENDS, 1, 5, ...IMAGE_ENDS), height: -2 })).toEqual([[4], [5]]);
  });

  it('need no marker behind the last pixel, nor the padding of the last absolute run', () => {
    expect(seen(file8(2, 2, 2, 4, ...ROW_ENDS, 2, 5))).toEqual([
      [5, 5],
      [4, 4],
    ]);
    expect(seen(file8(3, 1, 0, 3, 1, 2, 3))).toEqual([[1, 2, 3]]);
  });

  it('that are cut anywhere before are refused', () => {
    const whole = [3, 7, 1, 9, ...ROW_ENDS, 0, 3, 1, 2, 3, 0, ...LEAP, 0, 0, 1, 4];
    for (let length = 0; length < whole.length; length += 1) {
      const cut = file8(4, 2, ...whole.slice(0, length));
      expect(() => seen(cut), String(length)).toThrow(InputError);
      expect(() => seen(cut)).toThrow(/its run lengths end within row \d of 2/u);
    }
    expect(seen(file8(4, 2, ...whole))).toHaveLength(2);
  });

  it('cost no more than the file and the header say: steps that paint nothing, and few bytes for much', () => {
    const start = performance.now();
    const leaps = Buffer.alloc(4_000_000, Buffer.from([0, 2, 0, 0]));
    expect(() => seen({ ...file8(10, 10), pixels: leaps })).toThrow(InputError);
    const overflowing = Buffer.alloc(4_000_000, Buffer.from([255, 1]));
    expect(() => seen({ ...file8(10, 10), pixels: overflowing })).toThrow(InputError);
    expect(decodeBmp(bmpFile(file8(3000, 1000, ...IMAGE_ENDS))).pixels).toHaveLength(9_000_000);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe('run lengths of 4 bits', () => {
  it('take both halves of a byte in turn', () => {
    const runs = [5, 0x12, ...ROW_ENDS, 0, 5, 0x34, 0x56, 0x70, 0, ...IMAGE_ENDS];
    expect(seen(file4(5, 2, ...runs))).toEqual([
      [3, 4, 5, 6, 7],
      [1, 2, 1, 2, 1],
    ]);
  });

  // Pillow 12.3 reads one byte less of these and shifts what follows.
  it.each([
    [3, [0x12, 0x30]],
    [4, [0x12, 0x34]],
    [5, [0x12, 0x34, 0x50, 0]],
    [6, [0x12, 0x34, 0x56, 0]],
    [7, [0x12, 0x34, 0x56, 0x70]],
  ])('pad %i absolute pixels to a multiple of two bytes', (count, bytes) => {
    expect(seen(file4(count + 1, 1, 0, count, ...bytes, 1, 0x90, ...IMAGE_ENDS))).toEqual([
      [...[1, 2, 3, 4, 5, 6, 7].slice(0, count), 9],
    ]);
  });
});

it('refuses a palette offset of run lengths that nothing confirms, and takes one that the stated length confirms', () => {
  const runs = [2, 5, ...IMAGE_ENDS];
  const file = { ...file8(2, 1, ...runs), coloursUsed: 256, statedOffset: 300 };
  expect(() => seen(file)).toThrow('begin at byte 300');
  expect(seen({ ...file, statedImageBytes: runs.length })).toEqual([[5, 5]]);
  expect(seen({ ...file, statedOffset: 0 })).toEqual([[5, 5]]);
});
