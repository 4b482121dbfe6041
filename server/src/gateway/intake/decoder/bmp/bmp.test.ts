import { describe, expect, it } from 'vitest';
import {
  BMP_COMPRESSION,
  bmpFile,
  bmpPalette,
  bmpRows,
  type BmpFile,
  type BmpVersion,
} from '../../../../../../test/hostile/files/bmp.js';
import { InputError } from '../../../../errors.js';
import { decodeBmp } from './bmp.js';

const RED = [255, 0, 0] as const;
const GREEN = [0, 255, 0] as const;
const BLUE = [0, 0, 255] as const;
const WHITE = [255, 255, 255] as const;
const BLACK = [0, 0, 0] as const;
const VERSIONS: readonly BmpVersion[] = [12, 16, 40, 52, 56, 64, 108, 124];
const { masks: MASKS, alphaMasks: ALPHA_MASKS } = BMP_COMPRESSION;
const BGRA = [0xff0000, 0xff00, 0xff, 0xff000000];

const seen = (file: BmpFile): number[] => [...decodeBmp(bmpFile(file)).pixels];
/** One row of samples. */
const row = (
  bits: number,
  samples: readonly number[],
): Pick<BmpFile, 'width' | 'height' | 'bits' | 'pixels'> => ({
  width: samples.length,
  height: 1,
  bits,
  pixels: bmpRows(samples.length, 1, bits, (x) => samples[x] ?? 0),
});

describe('decodeBmp', () => {
  it.each(VERSIONS)('reads 24 bits from the bottom up, header of %i bytes', (version) => {
    const samples = [
      [0xff0000, 0x00ff00],
      [0x0000ff, 0xffffff],
    ];
    const pixels = bmpRows(2, 2, 24, (x, y) => samples[y]?.[x] ?? 0);
    const decoded = decodeBmp(bmpFile({ version, width: 2, height: 2, bits: 24, pixels }));
    expect([decoded.widthPx, decoded.heightPx]).toEqual([2, 2]);
    expect([...decoded.pixels]).toEqual([...RED, ...GREEN, ...BLUE, ...WHITE]);
  });

  it('reads rows from the top when the height is negative', () => {
    const pixels = bmpRows(1, 2, 24, (_, y) => (y === 1 ? 0xff0000 : 0x0000ff));
    expect(seen({ width: 1, height: -2, bits: 24, pixels })).toEqual([...RED, ...BLUE]);
  });

  describe('with a palette', () => {
    it.each(VERSIONS)('reads 1, 2, 4 and 8 bits, header of %i bytes', (version) => {
      const palette = bmpPalette([RED, BLUE], version);
      for (const bits of [1, 2, 4, 8]) {
        const file = { ...row(bits, [0, 1, 0, 1, 1]), version, palette };
        expect(seen(file), `${bits} bits`).toEqual([...RED, ...BLUE, ...RED, ...BLUE, ...BLUE]);
      }
    });

    it('shows colours beyond the palette as black', () => {
      const palette = bmpPalette([WHITE]);
      expect(seen({ ...row(8, [0, 200]), palette })).toEqual([...WHITE, ...BLACK]);
      expect(seen({ ...row(8, [0, 200]), palette, coloursUsed: 1 })).toEqual([...WHITE, ...BLACK]);
    });

    it('reads past a palette that is longer than its depth needs, and of deep images past any', () => {
      const palette = bmpPalette(Array.from({ length: 300 }, (_, index) => (index === 0 ? RED : GREEN)));
      expect(seen({ ...row(8, [0, 1]), palette, coloursUsed: 300 })).toEqual([...RED, ...GREEN]);
      expect(seen({ ...row(24, [0x0000ff]), palette, coloursUsed: 300 })).toEqual([...BLUE]);
    });
  });

  describe('of 16, 24 and 32 bits', () => {
    it('ignores the fourth byte without masks', () => {
      for (const version of [40, 108, 124] as const)
        expect(seen({ ...row(32, [0x00ff0000, 0x4d00ff00]), version, masks: BGRA })).toEqual([
          ...RED,
          ...GREEN,
        ]);
    });

    // Each value of Pillow 12.3.0: value × 255 / 31 (63), cut off.
    const FIVE_BITS = [
      0, 8, 16, 24, 32, 41, 49, 57, 65, 74, 82, 90, 98, 106, 115, 123, 131, 139, 148, 156, 164, 172, 180, 189,
      197, 205, 213, 222, 230, 238, 246, 255,
    ];
    it('scales 5 bits as Pillow does, with and without masks', () => {
      const grey = Array.from({ length: 32 }, (_, value) => value * 0x421);
      const expected = FIVE_BITS.flatMap((value) => [value, value, value]);
      expect(seen(row(16, grey))).toEqual(expected);
      const masks = [0x7c00, 0x3e0, 0x1f];
      expect(seen({ ...row(16, grey), compression: MASKS, masks })).toEqual(expected);
      expect(seen({ ...row(16, grey), compression: MASKS, masks, version: 108 })).toEqual(expected);
    });

    it('scales 6 bits as Pillow does', () => {
      const green = [1, 2, 5, 31, 32, 40, 62, 63].map((value) => value << 5);
      const masks = [0xf800, 0x07e0, 0x001f];
      expect(seen({ ...row(16, green), compression: MASKS, masks })).toEqual(
        [4, 8, 20, 125, 129, 161, 250, 255].flatMap((value) => [0, value, 0]),
      );
    });

    it.each<[string, number, readonly number[]]>([
      ['XBGR', 0x332211ff, [0xff000000, 0xff0000, 0xff00]],
      ['RGBX', 0xff112233, [0xff, 0xff00, 0xff0000]],
      ['of 24 bits', 0x332211, [0xff0000, 0xff00, 0xff]],
    ])('reads masks in any order: %s', (name, pixel, masks) => {
      const bits = name === 'of 24 bits' ? 24 : 32;
      expect(seen({ ...row(bits, [pixel]), compression: MASKS, masks })).toEqual([0x33, 0x22, 0x11]);
    });

    it('reads masks of few and of many bits', () => {
      // 2, 3 and 1 bits.
      const small = { ...row(16, [0b10_101_1, 0b01_011_0]), compression: MASKS, masks: [0x30, 0xe, 1] };
      expect(seen(small)).toEqual([170, 182, 255, 85, 109, 0]);
      // 11, 11 and 10 bits: the highest eight of each.
      const large = {
        ...row(32, [0xffffffff, 0x80100200]),
        compression: MASKS,
        masks: [0xffe00000, 0x1ffc00, 0x3ff],
      };
      expect(seen(large)).toEqual([...WHITE, 128, 128, 128]);
      const empty = { ...row(32, [0xffffffff]), compression: MASKS, masks: [0xff, 0, 0xff00] };
      expect(seen(empty)).toEqual([255, 0, 255]);
    });

    it('refuses masks with gaps', () => {
      const gaps = { ...row(16, [0]), compression: MASKS, masks: [0xf0f0, 0x0f00, 0x000f] };
      expect(() => seen(gaps)).toThrow(expect.objectContaining({ code: 'image.undecodable' }));
    });
  });

  describe('with alpha', () => {
    const half = [0xffff0000, 0x00123456, 0x33000000];
    const onWhite = [...RED, ...WHITE, 204, 204, 204];
    it.each([56, 108, 124] as const)(
      'lays it on white where a mask declares it, header of %i bytes',
      (version) => {
        expect(seen({ ...row(32, half), version, compression: MASKS, masks: BGRA })).toEqual(onWhite);
      },
    );

    it('reads it behind a header of 40 bytes that announces four masks', () => {
      expect(seen({ ...row(32, half), compression: ALPHA_MASKS, masks: BGRA })).toEqual(onWhite);
    });

    it('takes none of headers that have no mask for it', () => {
      const opaque = [...RED, 0x12, 0x34, 0x56, ...BLACK];
      expect(seen({ ...row(32, half), compression: MASKS, masks: BGRA.slice(0, 3) })).toEqual(opaque);
      expect(seen({ ...row(32, half), version: 52, compression: MASKS, masks: BGRA.slice(0, 3) })).toEqual(
        opaque,
      );
    });

    it('takes blue, green, red and alpha where all masks are empty, as Pillow does', () => {
      expect(seen({ ...row(32, half), version: 124, compression: MASKS, masks: [0, 0, 0, 0] })).toEqual(
        onWhite,
      );
    });

    it.each([56, 108, 124] as const)(
      'of no pixel at all means an opaque image, header of %i bytes',
      (version) => {
        const file = { ...row(32, [0xff0000, 0x123456]), version, compression: MASKS, masks: BGRA };
        expect(seen(file)).toEqual([...RED, 0x12, 0x34, 0x56]);
      },
    );

    it('of no pixel at all means an opaque image at 16 bits, and behind a header of 40 bytes', () => {
      const masks = [0x7c00, 0x3e0, 0x1f, 0x8000];
      expect(seen({ ...row(16, [0x7c00, 0x001f]), version: 124, compression: MASKS, masks })).toEqual([
        ...RED,
        ...BLUE,
      ]);
      expect(seen({ ...row(16, [0xfc00, 0x001f]), version: 124, compression: MASKS, masks })).toEqual([
        ...RED,
        ...WHITE,
      ]);
      expect(seen({ ...row(32, [0xff0000]), compression: ALPHA_MASKS, masks: BGRA })).toEqual([...RED]);
    });
  });

  it.each([
    ['embedded JPEG data', 0, 4, 40],
    ['embedded JPEG data', 24, 4, 40],
    ['embedded PNG data', 0, 5, 124],
    ['compression 77', 24, 77, 40],
    ['8-bit run lengths', 4, 1, 40],
    ['4-bit run lengths', 8, 2, 40],
    ['colour masks', 8, 3, 40],
    ['Huffman codes', 1, 3, 64],
    ['24-bit run lengths', 24, 4, 64],
  ] as const)('refuses %s at %i bits by name', (name, bits, compression, version) => {
    const file: BmpFile = { width: 1, height: 1, bits, compression, version, pixels: new Uint8Array(4) };
    expect(() => seen(file)).toThrow(expect.objectContaining({ code: 'image.format_unsupported' }));
    expect(() => seen(file)).toThrow(name);
    expect(() => seen(file)).toThrow('Save it as PNG');
  });

  it.each([7, 64, 30_000])('refuses the depth of %i bits', (bits) => {
    const file = { width: 1, height: 1, bits, pixels: new Uint8Array(8) };
    expect(() => seen(file)).toThrow(`${bits} bits per pixel`);
  });

  it('refuses a file that is cut anywhere, before allocating its pixels', () => {
    const file = bmpFile({ ...row(24, [1, 2, 3]), height: 2, pixels: bmpRows(3, 2, 24, (x) => x) });
    // The padding of the last row may be missing.
    for (let length = 0; length < file.length - 3; length += 1) {
      expect(() => decodeBmp(file.subarray(0, length))).toThrow(InputError);
    }
    expect(decodeBmp(file.subarray(0, file.length - 3)).pixels).toHaveLength(18);
    const huge = bmpFile({ ...row(1, [0]), width: 60_000, height: 60_000 });
    expect(() => decodeBmp(huge)).toThrow(expect.objectContaining({ code: 'image.undecodable' }));
  });
});
