// Where the pixels of a BMP file begin, when its offset says something else.
import { describe, expect, it } from 'vitest';
import {
  BMP_COMPRESSION,
  bmpFile,
  bmpPalette,
  bmpRows,
  type BmpFile,
} from '../../../../../../test/hostile/files/bmp.js';
import { decodeBmp } from './bmp.js';

const WIDTH = 5;
const HEIGHT = 3;
const COLOURS = Array.from({ length: 256 }, (_, index) => [index, 255 - index, (index * 7) & 0xff] as const);
const indexAt = (x: number, y: number): number => x * 16 + y + 1;
const indexed: BmpFile = {
  width: WIDTH,
  height: HEIGHT,
  bits: 8,
  palette: bmpPalette(COLOURS),
  pixels: bmpRows(WIDTH, HEIGHT, 8, indexAt),
};
const colour: BmpFile = {
  width: WIDTH,
  height: HEIGHT,
  bits: 24,
  pixels: bmpRows(WIDTH, HEIGHT, 24, (x, y) => x * 40_000 + y * 99),
};
const masked: BmpFile = {
  width: WIDTH,
  height: HEIGHT,
  bits: 32,
  compression: BMP_COMPRESSION.masks,
  masks: [0xff0000, 0xff00, 0xff],
  pixels: bmpRows(WIDTH, HEIGHT, 32, (x, y) => x * 40_000 + y * 99),
};
const seen = (file: BmpFile, ...behind: number[]): Uint8Array =>
  decodeBmp(Buffer.concat([bmpFile(file), Buffer.from(behind)])).pixels;

describe('the offset of the pixels of a BMP file', () => {
  it.each([12, 40, 64, 108, 124] as const)(
    'of 0, or right behind the header, means behind the palette, header of %i bytes',
    (version) => {
      const file = { ...indexed, version, palette: bmpPalette(COLOURS, version) };
      expect(seen({ ...file, statedOffset: 0 })).toEqual(seen(file));
      expect(seen({ ...file, statedOffset: 14 + version })).toEqual(seen(file));
    },
  );

  it.each([1, 2, 4] as const)(
    'is mended at %i bits too, where the palette has the length that it states',
    (bits) => {
      const colours = COLOURS.slice(0, 2 ** bits - 1);
      const file = {
        ...indexed,
        bits,
        palette: bmpPalette(colours),
        coloursUsed: colours.length,
        pixels: bmpRows(WIDTH, HEIGHT, bits, (x, y) => (x + y) % colours.length),
      };
      expect(seen({ ...file, statedOffset: 0 })).toEqual(seen(file));
      expect(seen({ ...file, statedOffset: 54 })).toEqual(seen(file));
    },
  );

  it('of 0 means behind the header of images without a palette, and behind their masks', () => {
    expect(seen({ ...colour, statedOffset: 0 })).toEqual(seen(colour));
    expect(seen({ ...masked, statedOffset: 0 })).toEqual(seen(masked));
    expect(seen({ ...masked, statedOffset: 54 })).toEqual(seen(masked));
  });

  it('within header or palette is wrong where the file has all of both', () => {
    for (const statedOffset of [1, 14, 40, 53, 55, 58, 500, 1077]) {
      expect(seen({ ...indexed, statedOffset }), String(statedOffset)).toEqual(seen(indexed));
      expect(seen({ ...indexed, statedOffset, coloursUsed: 256 }), String(statedOffset)).toEqual(
        seen(indexed),
      );
    }
    for (const statedOffset of [1, 40, 53]) expect(seen({ ...colour, statedOffset })).toEqual(seen(colour));
    // Photoshop's two bytes behind the pixels.
    expect(seen({ ...indexed, statedOffset: 500 }, 0, 0)).toEqual(seen(indexed));
  });

  it('within the palette is right where the palette was cut short', () => {
    const short = { ...indexed, palette: bmpPalette(COLOURS.slice(0, 100)) };
    expect(seen(short)).toEqual(seen(indexed));
    expect(seen({ ...short, coloursUsed: 256 })).toEqual(seen(indexed));
    const core = { ...indexed, width: 1, version: 12, pixels: bmpRows(1, HEIGHT, 8, indexAt) } as const;
    const oneLess = { ...core, palette: bmpPalette(COLOURS.slice(0, 255), 12) };
    expect(seen(oneLess)).toEqual(seen({ ...core, palette: bmpPalette(COLOURS, 12) }));
    // More behind the pixels than any program writes: a palette that states no length ends where they begin.
    expect(seen(short, ...new Array<number>(50).fill(9))).toEqual(seen(indexed));
  });

  it('beyond the palette is right', () => {
    const palette = Buffer.concat([bmpPalette(COLOURS), Buffer.alloc(77, 3)]);
    expect(seen({ ...indexed, palette, statedOffset: 54 + palette.length })).toEqual(seen(indexed));
  });

  it('that fits neither way is refused, with both places', () => {
    const file = { ...indexed, statedOffset: 500, coloursUsed: 256 };
    expect(() => seen(file, ...new Array<number>(50).fill(9))).toThrow(
      /begin at byte 500, within its header and palette, which end at byte 1078/u,
    );
    expect(() => seen({ ...colour, statedOffset: 20 }, 1, 2, 3, 4)).toThrow('begin at byte 20');
  });

  it('beyond the file is refused', () => {
    expect(() => seen({ ...colour, statedOffset: 0xffffffff })).toThrow('the file ends after');
    expect(() => seen({ ...indexed, statedOffset: 0, coloursUsed: 0xffffffff })).toThrow(
      'the file ends after',
    );
  });
});
