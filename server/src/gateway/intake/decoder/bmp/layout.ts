// What the header of a BMP file says: all versions of Windows' header (12, 40, 52, 56, 108, 124 bytes) and of OS/2's (12, 16, 64 bytes),
// and where the palette and the pixels stand. Sizes are those of headers/bmp.ts, which were validated.
import { InputError } from '../../../../errors.js';
import { BMP_CORE_HEADER_BYTES, bmpSize } from '../../headers/bmp.js';
import type { HeaderBytes } from '../../headers/bytes.js';

export type BmpCoding = 'plain' | 'masks' | 'run lengths';

export interface BmpLayout {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly isTopDown: boolean;
  readonly bitsPerPixel: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  readonly coding: BmpCoding;
  /** From one row to the next, where pixels are not in run lengths. */
  readonly strideBytes: number;
  /** Red, green, blue, alpha as stated; 0 where there is none. */
  readonly masks: readonly [number, number, number, number];
  readonly palette: { readonly start: number; readonly entryBytes: 3 | 4; readonly colours: number };
  readonly pixelStart: number;
}

const FILE_HEADER_BYTES = 14;
const INFO_HEADER_BYTES = 40;
/** From this version on, the header has a mask for alpha. */
const ALPHA_HEADER_BYTES = 56;
const OS2_HEADER_BYTES = 64;
const MASKS_OFFSET = FILE_HEADER_BYTES + INFO_HEADER_BYTES;

const PLAIN = 0;
const RUNS_OF_8_BITS = 1;
const RUNS_OF_4_BITS = 2;
const MASKS = 3;
const ALPHA_MASKS = 6;
const NAMES: Readonly<Record<number, string>> = {
  [RUNS_OF_8_BITS]: '8-bit run lengths',
  [RUNS_OF_4_BITS]: '4-bit run lengths',
  [MASKS]: 'colour masks',
  4: 'embedded JPEG data',
  5: 'embedded PNG data',
  [ALPHA_MASKS]: 'colour masks with alpha',
};
const OS2_NAMES: Readonly<Record<number, string>> = { 3: 'Huffman codes', 4: '24-bit run lengths' };

export function readBmpLayout(bytes: HeaderBytes): BmpLayout {
  const headerBytes = bytes.u32le(14);
  const isCore = headerBytes === BMP_CORE_HEADER_BYTES;
  const bitsPerPixel = depthOf(bytes, bytes.u16le(isCore ? 24 : 28));
  const compression = headerBytes < INFO_HEADER_BYTES ? PLAIN : bytes.u32le(30);
  const size = bmpSize(bytes);
  const header: Header = {
    headerBytes,
    headerEnd: FILE_HEADER_BYTES + headerBytes,
    bitsPerPixel,
    compression,
    coding: codingOf(headerBytes, compression, bitsPerPixel),
    coloursUsed: headerBytes < INFO_HEADER_BYTES ? 0 : bytes.u32le(46),
    entryBytes: isCore ? 3 : 4,
    strideBytes: Math.ceil((size.widthPx * bitsPerPixel) / 32) * 4,
    heightPx: size.heightPx,
  };
  const pixelStart = pixelStartOf(bytes, header);
  const paletteStart = header.headerEnd + maskBytesOf(header);
  const room = Math.floor((pixelStart - paletteStart) / header.entryBytes);
  return {
    ...size,
    isTopDown: !isCore && bytes.i32le(22) < 0,
    bitsPerPixel,
    coding: header.coding,
    strideBytes: header.strideBytes,
    masks: masksOf(bytes, header),
    palette: {
      start: paletteStart,
      entryBytes: header.entryBytes,
      colours: Math.max(0, Math.min(coloursOf(header), 2 ** bitsPerPixel, room)),
    },
    pixelStart,
  };
}

interface Header {
  readonly headerBytes: number;
  readonly headerEnd: number;
  readonly bitsPerPixel: BmpLayout['bitsPerPixel'];
  readonly compression: number;
  readonly coding: BmpCoding;
  /** As stated; 0 is all that the depth allows. */
  readonly coloursUsed: number;
  readonly entryBytes: 3 | 4;
  readonly strideBytes: number;
  readonly heightPx: number;
}

const DEPTHS = [1, 2, 4, 8, 16, 24, 32] as const;

function depthOf(bytes: HeaderBytes, bitsPerPixel: number): BmpLayout['bitsPerPixel'] {
  const depth = DEPTHS.find((known) => known === bitsPerPixel);
  // Embedded JPEG and PNG data have no depth, and deserve to be called by their name.
  if (depth === undefined && bitsPerPixel === 0) throw refused(bytes.u32le(30), 0, NAMES);
  if (depth === undefined) throw bytes.broken(`it has ${bitsPerPixel} bits per pixel`);
  return depth;
}

function codingOf(headerBytes: number, compression: number, bitsPerPixel: number): BmpCoding {
  const isOs2 = headerBytes === OS2_HEADER_BYTES;
  if (compression === PLAIN) return 'plain';
  if (compression === RUNS_OF_8_BITS && bitsPerPixel === 8) return 'run lengths';
  if (compression === RUNS_OF_4_BITS && bitsPerPixel === 4) return 'run lengths';
  if ((compression === MASKS || compression === ALPHA_MASKS) && bitsPerPixel >= 16 && !isOs2) return 'masks';
  throw refused(compression, bitsPerPixel, isOs2 ? { ...NAMES, ...OS2_NAMES } : NAMES);
}

const refused = (
  compression: number,
  bitsPerPixel: number,
  names: Readonly<Record<number, string>>,
): InputError =>
  new InputError(
    'image.format_unsupported',
    `The BMP image uses ${names[compression] ?? `compression ${compression}`} at ${bitsPerPixel} bits per pixel; allowed are plain pixels, ` +
      'colour masks at 16, 24 and 32 bits, and run lengths at 4 and 8 bits. Save it as PNG.',
  );

/** Masks behind the oldest header that can have them; later headers hold them. */
function maskBytesOf({ headerBytes, compression, coding }: Header): number {
  if (coding !== 'masks' || headerBytes !== INFO_HEADER_BYTES) return 0;
  return compression === ALPHA_MASKS ? 16 : 12;
}

function masksOf(bytes: HeaderBytes, { coding, headerBytes, compression }: Header): BmpLayout['masks'] {
  if (coding !== 'masks') return [0, 0, 0, 0];
  const mask = (index: number): number => bytes.u32le(MASKS_OFFSET + index * 4);
  const hasAlpha = headerBytes >= ALPHA_HEADER_BYTES || compression === ALPHA_MASKS;
  return [mask(0), mask(1), mask(2), hasAlpha ? mask(3) : 0];
}

const coloursOf = ({ bitsPerPixel, coloursUsed }: Header): number =>
  bitsPerPixel > 8 ? 0 : coloursUsed || 2 ** bitsPerPixel;

/**
 * Where the pixels begin. As in Pillow, an offset of 0, or one that points right behind the header, means the byte behind masks and palette.
 * One that points elsewhere into header or palette can be wrong, or the palette shorter than stated: the length of the file decides.
 */
function pixelStartOf(bytes: HeaderBytes, header: Header): number {
  const stated = bytes.u32le(10);
  const { headerEnd, coloursUsed, entryBytes } = header;
  const tablesEnd = headerEnd + maskBytesOf(header) + coloursOf(header) * entryBytes;
  if (stated >= tablesEnd) return stated;
  if (stated === 0 || stated === headerEnd) return tablesEnd;
  const [asStated, behindTables] = [
    slackBehind(bytes, header, stated),
    slackBehind(bytes, header, tablesEnd),
  ];
  // A palette whose length is not stated ends where the pixels begin.
  const isShort = asStated < behindTables || (coloursUsed === 0 && behindTables === Infinity);
  if (stated > headerEnd && isShort) return stated;
  if (behindTables < Infinity) return tablesEnd;
  throw bytes.broken(
    `its pixels are said to begin at byte ${stated}, within its header and palette, which end at byte ${tablesEnd}`,
  );
}

/** Bytes behind the pixels that say nothing: Photoshop writes two. */
const MAX_SLACK_BYTES = 3;

/** Bytes that the file has behind pixels from `start` on; infinite where they cannot be meant to begin there. */
function slackBehind(bytes: HeaderBytes, header: Header, start: number): number {
  const { coding, strideBytes, heightPx } = header;
  // Run lengths say how long they are, or nothing.
  const pixelBytes = coding === 'run lengths' ? bytes.u32le(34) : strideBytes * heightPx;
  const slack = bytes.length - (start + pixelBytes);
  return pixelBytes > 0 && slack >= 0 && slack <= MAX_SLACK_BYTES ? slack : Infinity;
}
