// PNG files written byte by byte: every colour type, bit depth, filter and interlacing of the standard, and broken ones on
// request. Independent of the decoder that is tested, and able to write what no library would.
import { crc32, deflateSync } from 'node:zlib';

export const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export type ColourType = 'grey' | 'rgb' | 'palette' | 'greyAlpha' | 'rgba';
const COLOUR_TYPES: Readonly<Record<ColourType, { readonly number: number; readonly channels: number }>> = {
  grey: { number: 0, channels: 1 },
  rgb: { number: 2, channels: 3 },
  palette: { number: 3, channels: 1 },
  greyAlpha: { number: 4, channels: 2 },
  rgba: { number: 6, channels: 4 },
};

export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly colourType: ColourType;
  readonly bitDepth: 1 | 2 | 4 | 8 | 16;
  /** Value of a channel of a pixel, below 2 to the power of the bit depth. */
  readonly sample: (x: number, y: number, channel: number) => number;
  /** Of all rows, or `mixed` for each in turn. */
  readonly filter?: 0 | 1 | 2 | 3 | 4 | 'mixed';
  readonly isInterlaced?: boolean;
  /** Chunks between the header and the pixels: palette, transparency, EXIF. */
  readonly before?: readonly Buffer[];
  /** Chunks behind the pixels. */
  readonly after?: readonly Buffer[];
}

export function chunk(type: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8);
  return bytes;
}

export function header(
  width: number,
  height: number,
  bitDepth: number,
  colour: number,
  interlace = 0,
): Buffer {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width, 0);
  content.writeUInt32BE(height, 4);
  content.set([bitDepth, colour, 0, 0, interlace], 8);
  return chunk('IHDR', content);
}

export const END = chunk('IEND', Buffer.alloc(0));

export function writePng(image: PngImage): Buffer {
  const { width, height, bitDepth, colourType, isInterlaced = false, before = [], after = [] } = image;
  const passes = isInterlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  const rows = passes.flatMap((pass) => passRows(image, pass));
  return Buffer.concat([
    SIGNATURE,
    header(width, height, bitDepth, COLOUR_TYPES[colourType].number, isInterlaced ? 1 : 0),
    ...before,
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    ...after,
    END,
  ]);
}

/** First column, first row, distance of columns, distance of rows. */
type Pass = readonly [number, number, number, number];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

function passRows(image: PngImage, [left, top, dx, dy]: Pass): Buffer[] {
  const { width, height, colourType, bitDepth, filter = 0 } = image;
  const { channels } = COLOUR_TYPES[colourType];
  const columns = Math.max(0, Math.ceil((width - left) / dx));
  const bytesPerPixel = Math.max(1, (channels * bitDepth) / 8);
  const rows: Buffer[] = [];
  let above = Buffer.alloc(Math.ceil((columns * channels * bitDepth) / 8));
  for (let y = top; columns > 0 && y < height; y += dy) {
    const row = Buffer.alloc(above.length);
    for (let column = 0; column < columns; column += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        const value = image.sample(left + column * dx, y, channel);
        putSample(row, column * channels + channel, bitDepth, value);
      }
    }
    const kind = filter === 'mixed' ? ([1, 2, 3, 4, 0] as const)[rows.length % 5]! : filter;
    rows.push(Buffer.concat([Buffer.from([kind]), filtered(row, above, kind, bytesPerPixel)]));
    above = row;
  }
  return rows;
}

function putSample(row: Buffer, index: number, bitDepth: number, value: number): void {
  if (bitDepth === 16) row.writeUInt16BE(value, index * 2);
  else if (bitDepth === 8) row[index] = value;
  else {
    const bit = index * bitDepth;
    row[bit >> 3]! |= value << (8 - bitDepth - (bit & 7));
  }
}

/** The predictors of the PNG specification, section 9. */
function filtered(row: Buffer, above: Buffer, kind: number, distance: number): Buffer {
  return Buffer.from(
    row.map((value, index) => {
      const left = index >= distance ? row[index - distance]! : 0;
      const up = above[index]!;
      const corner = index >= distance ? above[index - distance]! : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind]!;
      return (value - predicted) & 0xff;
    }),
  );
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
