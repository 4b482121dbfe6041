// BMP files written byte by byte: every version of the header, masks, palettes, offsets as they should be or not, and pixels as they stand
// in the file, plain or in run lengths.

/** Bytes of the header, which say its version. */
export type BmpVersion = 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124;

export const BMP_COMPRESSION = {
  plain: 0,
  runs8: 1,
  runs4: 2,
  masks: 3,
  jpeg: 4,
  png: 5,
  alphaMasks: 6,
} as const;

export interface BmpFile {
  readonly width: number;
  /** Negative for rows from the top. */
  readonly height: number;
  readonly bits: number;
  /** Rows or run lengths as they stand in the file. */
  readonly pixels: Uint8Array;
  readonly version?: BmpVersion;
  readonly compression?: number;
  /** Red, green, blue, alpha. */
  readonly masks?: readonly number[];
  /** As it stands in the file: blue, green, red, and from the second version on a zero. */
  readonly palette?: Uint8Array;
  /** 0 is all that the depth allows. */
  readonly coloursUsed?: number;
  /** Where the file says that the pixels begin; where they really do by default. */
  readonly statedOffset?: number;
  readonly statedImageBytes?: number;
}

export function bmpFile({
  width,
  height,
  bits,
  pixels,
  version = 40,
  compression = BMP_COMPRESSION.plain,
  masks = [],
  palette = new Uint8Array(),
  coloursUsed = 0,
  statedOffset,
  statedImageBytes = 0,
}: BmpFile): Buffer {
  const masksBehind = version === 40 ? masks.length * 4 : 0;
  // Long enough for any field; later parts are cut off again.
  const header = Buffer.alloc(14 + Math.max(version, 124) + masksBehind);
  const end = 14 + version + masksBehind;
  header.write('BM', 'latin1');
  header.writeUInt32LE(end + palette.length + pixels.length, 2);
  header.writeUInt32LE(statedOffset ?? end + palette.length, 10);
  header.writeUInt32LE(version, 14);
  if (version === 12) {
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
    header.writeUInt32LE(statedImageBytes, 34);
    header.writeUInt32LE(coloursUsed, 46);
    masks.forEach((mask, index) => header.writeUInt32LE(mask, 54 + index * 4));
  }
  return Buffer.concat([header.subarray(0, end), palette, pixels]);
}

/** Rows from the bottom, padded to multiples of four bytes; samples of up to 32 bits, the first in the highest bits. */
export function bmpRows(
  width: number,
  height: number,
  bits: number,
  sample: (x: number, y: number) => number,
): Buffer {
  const strideBytes = Math.ceil((width * bits) / 32) * 4;
  const rows = Buffer.alloc(strideBytes * height);
  for (let y = 0; y < height; y += 1) {
    const row = (height - 1 - y) * strideBytes;
    for (let x = 0; x < width; x += 1) {
      const value = sample(x, y);
      if (bits < 8) rows[row + ((x * bits) >> 3)]! |= value << (8 - bits - ((x * bits) & 7));
      else rows.writeUIntLE(value, row + (x * bits) / 8, bits / 8);
    }
  }
  return rows;
}

/** Colours as a palette has them; the oldest version has three bytes for each. */
export const bmpPalette = (
  colours: readonly (readonly [number, number, number])[],
  version: BmpVersion = 40,
): Buffer =>
  Buffer.from(
    colours.flatMap(([red, green, blue]) => (version === 12 ? [blue, green, red] : [blue, green, red, 0])),
  );

export interface BmpImage {
  readonly width: number;
  readonly height: number;
  readonly bits: 8 | 24 | 32;
  readonly isTopDown?: boolean;
  readonly palette?: readonly (readonly [number, number, number])[];
  /** A palette index for 8 bits, else a colour. */
  readonly pixel: (x: number, y: number) => number | readonly [number, number, number];
}

/** The usual kind: the header of Windows 3, without run lengths and masks. */
export function writeBmp({ width, height, bits, isTopDown = false, palette = [], pixel }: BmpImage): Buffer {
  const sample = (x: number, y: number): number => {
    const value = pixel(x, isTopDown ? height - 1 - y : y);
    return typeof value === 'number' ? value : value[0] * 65_536 + value[1] * 256 + value[2];
  };
  return bmpFile({
    width,
    height: isTopDown ? -height : height,
    bits,
    palette: bmpPalette(palette),
    coloursUsed: palette.length,
    pixels: bmpRows(width, height, bits, sample),
  });
}

/** Rows from the bottom as run lengths of 8 bits: runs, absolute pixels and markers in turn. */
export function bmpRuns8(width: number, height: number, sample: (x: number, y: number) => number): Buffer {
  const bytes: number[] = [];
  for (let y = height - 1; y >= 0; y -= 1) {
    for (let x = 0; x < width;) {
      const value = sample(x, y);
      let length = 1;
      while (length < 255 && x + length < width && sample(x + length, y) === value) length += 1;
      const absolute = Math.min(5, width - x);
      if (length >= 3 || absolute < 3) {
        bytes.push(length, value);
        x += length;
      } else {
        bytes.push(0, absolute);
        for (let n = 0; n < absolute; n += 1) bytes.push(sample(x + n, y));
        if (absolute % 2 === 1) bytes.push(0);
        x += absolute;
      }
    }
    bytes.push(0, y === 0 ? 1 : 0);
  }
  return Buffer.from(bytes);
}
