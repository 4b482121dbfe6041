// Windows and OS/2 bitmaps: 1, 2, 4 and 8 bits with a palette, plain or (4, 8) in run lengths; 16, 24 and 32 bits with or without masks;
// rows from the bottom or the top; alpha, where a mask declares it and any pixel has it, on white. Embedded JPEG or PNG data, Huffman codes
// and 24-bit run lengths are refused. sharp reads no BMP.
import type { RgbBitmap } from '../../../../image/bitmap.js';
import { HeaderBytes } from '../../headers/bytes.js';
import { maskPainter, type Painter } from './colour-masks.js';
import { type BmpLayout, readBmpLayout } from './layout.js';
import { putColour, readPalette } from './palette.js';
import { paintRuns } from './run-lengths.js';

/** The header's size must have been validated: pixels are allocated by it. */
export function decodeBmp(file: Uint8Array): RgbBitmap {
  const bytes = new HeaderBytes(file, 'BMP');
  const layout = readBmpLayout(bytes);
  const { widthPx, heightPx } = layout;
  if (layout.coding === 'run lengths') {
    const pixels = new Uint8Array(widthPx * heightPx * 3);
    paintRuns(bytes, layout, readPalette(bytes, layout), pixels);
    return { widthPx, heightPx, pixels };
  }
  validateLength(bytes, layout);
  const paint = painter(file, bytes, layout);
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  for (let y = 0; y < heightPx; y += 1) {
    const row = rowAt(layout, y);
    for (let x = 0; x < widthPx; x += 1) paint(row, x, pixels, (y * widthPx + x) * 3);
  }
  return { widthPx, heightPx, pixels };
}

/** Byte of the row that is seen at y. */
const rowAt = ({ pixelStart, isTopDown, heightPx, strideBytes }: BmpLayout, y: number): number =>
  pixelStart + (isTopDown ? y : heightPx - 1 - y) * strideBytes;

/** The padding of the last row may be missing. */
function validateLength(bytes: HeaderBytes, layout: BmpLayout): void {
  const { pixelStart, heightPx, widthPx, strideBytes, bitsPerPixel } = layout;
  const end = pixelStart + (heightPx - 1) * strideBytes + Math.ceil((widthPx * bitsPerPixel) / 8);
  if (end > bytes.length)
    throw bytes.broken(`its pixels need ${end} bytes, and the file ends after ${bytes.length}`);
}

function painter(file: Uint8Array, bytes: HeaderBytes, layout: BmpLayout): Painter {
  const { bitsPerPixel, widthPx, heightPx, coding } = layout;
  if (bitsPerPixel <= 8) return palettePainter(file, readPalette(bytes, layout), bitsPerPixel);
  if (bitsPerPixel === 24 && coding === 'plain') {
    return (row, x, target, to) => {
      const from = row + x * 3;
      target[to] = file[from + 2] ?? 0;
      target[to + 1] = file[from + 1] ?? 0;
      target[to + 2] = file[from] ?? 0;
    };
  }
  return maskPainter(bytes, layout, (is) => {
    for (let y = 0; y < heightPx; y += 1) {
      const row = rowAt(layout, y);
      for (let x = 0; x < widthPx; x += 1) if (is(row, x)) return true;
    }
    return false;
  });
}

function palettePainter(file: Uint8Array, palette: Uint8Array, bitsPerPixel: number): Painter {
  const perByte = 8 / bitsPerPixel;
  const indexMask = 2 ** bitsPerPixel - 1;
  return (row, x, target, to) => {
    const packed = file[row + Math.floor(x / perByte)] ?? 0;
    const shift = 8 - bitsPerPixel * ((x % perByte) + 1);
    putColour(palette, (packed >> shift) & indexMask, target, to);
  };
}
