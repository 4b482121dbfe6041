// Windows bitmaps: 1, 4 and 8 bits with a palette, 16 and 32 bits with or without masks, 24 bits; rows from the bottom or the
// top; alpha (where a mask declares it) on white. Run-length and embedded JPEG or PNG data are refused. sharp reads no BMP.
import { InputError } from '../../../errors.js';
import type { RgbBitmap } from '../../../image/bitmap.js';
import { BMP_CORE_HEADER_BYTES, bmpSize } from '../headers/bmp.js';
import { HeaderBytes } from '../headers/bytes.js';

const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  1: '8-bit run lengths',
  2: '4-bit run lengths',
  4: 'embedded JPEG data',
  5: 'embedded PNG data',
};
const UNCOMPRESSED = 0;
const BIT_FIELDS = 3;
const ALPHA_BIT_FIELDS = 6;

interface Layout {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly bitsPerPixel: number;
  readonly isTopDown: boolean;
  readonly pixelOffset: number;
  readonly strideBytes: number;
  /** Writes the colour of pixel x of the row at `row` to target. */
  readonly paint: (row: number, x: number, target: Uint8Array, to: number) => void;
}

export function decodeBmp(file: Uint8Array): RgbBitmap {
  const bytes = new HeaderBytes(file, 'BMP');
  const layout = readLayout(file, bytes);
  const { widthPx, heightPx, strideBytes, pixelOffset } = layout;
  const end = pixelOffset + (heightPx - 1) * strideBytes + Math.ceil((widthPx * layout.bitsPerPixel) / 8);
  if (end > file.length) {
    throw bytes.broken(`its pixels need ${end} bytes, and the file ends after ${file.length}`);
  }
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  for (let y = 0; y < heightPx; y += 1) {
    const row = pixelOffset + (layout.isTopDown ? y : heightPx - 1 - y) * strideBytes;
    for (let x = 0; x < widthPx; x += 1) layout.paint(row, x, pixels, (y * widthPx + x) * 3);
  }
  return { widthPx, heightPx, pixels };
}

function readLayout(file: Uint8Array, bytes: HeaderBytes): Layout {
  const headerBytes = bytes.u32le(14);
  const isCore = headerBytes === BMP_CORE_HEADER_BYTES;
  const bitsPerPixel = bytes.u16le(isCore ? 24 : 28);
  const compression = isCore ? UNCOMPRESSED : bytes.u32le(30);
  const hasMasks = compression === BIT_FIELDS || compression === ALPHA_BIT_FIELDS;
  if (compression !== UNCOMPRESSED && !(hasMasks && (bitsPerPixel === 16 || bitsPerPixel === 32))) {
    const name = COMPRESSION_NAMES[compression] ?? `compression ${compression}`;
    throw new InputError(
      'image.format_unsupported',
      `The BMP image uses ${name} at ${bitsPerPixel} bits per pixel; allowed is uncompressed BMP. Save it as PNG.`,
    );
  }
  return {
    ...bmpSize(bytes),
    bitsPerPixel,
    isTopDown: !isCore && bytes.i32le(22) < 0,
    pixelOffset: bytes.u32le(10),
    strideBytes: Math.ceil((bmpSize(bytes).widthPx * bitsPerPixel) / 32) * 4,
    paint: painter(file, bytes, { headerBytes, isCore, bitsPerPixel, hasMasks }),
  };
}

interface PixelKind {
  readonly headerBytes: number;
  readonly isCore: boolean;
  readonly bitsPerPixel: number;
  readonly hasMasks: boolean;
}

function painter(file: Uint8Array, bytes: HeaderBytes, kind: PixelKind): Layout['paint'] {
  switch (kind.bitsPerPixel) {
    case 1:
    case 4:
    case 8:
      return palettePainter(file, bytes, kind);
    case 16:
    case 32:
      return maskPainter(bytes, kind);
    case 24:
      return (row, x, target, to) => {
        const from = row + x * 3;
        target[to] = file[from + 2] ?? 0;
        target[to + 1] = file[from + 1] ?? 0;
        target[to + 2] = file[from] ?? 0;
      };
    default:
      throw bytes.broken(`it has ${kind.bitsPerPixel} bits per pixel`);
  }
}

/** Colours beyond the palette are black, as in Pillow. */
function palettePainter(file: Uint8Array, bytes: HeaderBytes, kind: PixelKind): Layout['paint'] {
  const { bitsPerPixel, headerBytes, isCore } = kind;
  const entryBytes = isCore ? 3 : 4;
  const start = 14 + headerBytes;
  const room = Math.max(0, bytes.u32le(10) - start);
  const declared = isCore ? 0 : bytes.u32le(46);
  const colours = Math.min(declared || 2 ** bitsPerPixel, 2 ** bitsPerPixel, Math.floor(room / entryBytes));
  const palette = new Uint8Array(256 * 3);
  for (let colour = 0; colour < colours; colour += 1) {
    const from = start + colour * entryBytes;
    palette.set([bytes.u8(from + 2), bytes.u8(from + 1), bytes.u8(from)], colour * 3);
  }
  const perByte = 8 / bitsPerPixel;
  return (row, x, target, to) => {
    const packed = file[row + Math.floor(x / perByte)] ?? 0;
    const shift = 8 - bitsPerPixel * ((x % perByte) + 1);
    const colour = ((packed >> shift) & (2 ** bitsPerPixel - 1)) * 3;
    target[to] = palette[colour] ?? 0;
    target[to + 1] = palette[colour + 1] ?? 0;
    target[to + 2] = palette[colour + 2] ?? 0;
  };
}

interface Channel {
  readonly shift: number;
  /** Largest value of the channel; 0 when the mask is empty. */
  readonly max: number;
}

function maskPainter(bytes: HeaderBytes, kind: PixelKind): Layout['paint'] {
  const { bitsPerPixel, headerBytes, hasMasks } = kind;
  const plain = bitsPerPixel === 16 ? [0x7c00, 0x03e0, 0x001f] : [0xff0000, 0x00ff00, 0x0000ff];
  const masks = hasMasks ? [54, 58, 62].map((offset) => bytes.u32le(offset)) : plain;
  // An alpha mask exists from the 56-byte header on; without masks the fourth byte has no meaning.
  const [red, green, blue, alpha] = [...masks, hasMasks && headerBytes >= 56 ? bytes.u32le(66) : 0].map(
    (mask) => channelOf(mask, bytes),
  );
  if (red === undefined || green === undefined || blue === undefined || alpha === undefined) {
    throw bytes.broken('it has no colour masks');
  }
  return (row, x, target, to) => {
    const pixel = bitsPerPixel === 16 ? bytes.u16le(row + x * 2) : bytes.u32le(row + x * 4);
    const opacity = alpha.max === 0 ? 255 : valueOf(pixel, alpha);
    [red, green, blue].forEach((channel, index) => {
      target[to + index] = Math.round((valueOf(pixel, channel) * opacity + 255 * (255 - opacity)) / 255);
    });
  };
}

function channelOf(mask: number, bytes: HeaderBytes): Channel {
  if (mask === 0) return { shift: 0, max: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  const max = mask >>> shift;
  if ((max & (max + 1)) !== 0 || max > 0xffff) throw bytes.broken('a colour mask has gaps or is too wide');
  return { shift, max };
}

/** Scaled to 0 … 255. */
const valueOf = (pixel: number, { shift, max }: Channel): number =>
  max === 0 ? 0 : Math.round((((pixel >>> shift) & max) * 255) / max);
