// Run lengths of 8 and 4 bits (BI_RLE8, BI_RLE4; MS-WMF 3.1.6). What they leap over has colour 0, as in Pillow; what they say beyond the
// end of a row is dropped. Their end without a marker is only taken where all rows are there. Each step reads two bytes at least and
// paints within its row, so the work is bounded by the file's length and the memory by the header's size.
import type { HeaderBytes } from '../../headers/bytes.js';
import type { BmpLayout } from './layout.js';
import { putColour } from './palette.js';

const END_OF_ROW = 0;
const END_OF_IMAGE = 1;
const LEAP = 2;

/** Paints the whole image. `pixels` has room for all of it. */
export function paintRuns(
  bytes: HeaderBytes,
  layout: BmpLayout,
  palette: Uint8Array,
  pixels: Uint8Array,
): void {
  const { widthPx, heightPx, isTopDown } = layout;
  for (let to = 0; to < pixels.length; to += 3) putColour(palette, 0, pixels, to);
  const isPacked = layout.bitsPerPixel === 4;
  let [x, y, at] = [0, 0, layout.pixelStart];
  const take = (count: number): number => {
    const from = at;
    at += count;
    if (at > bytes.length) throw bytes.broken(`its run lengths end within row ${y} of ${heightPx}`);
    return from;
  };
  const put = (count: number, indexOf: (position: number) => number): void => {
    const row = (isTopDown ? y : heightPx - 1 - y) * widthPx;
    const end = Math.min(widthPx, x + count);
    for (let column = x; column < end; column += 1)
      putColour(palette, indexOf(column - x), pixels, (row + column) * 3);
    x += count;
  };
  while (y < heightPx) {
    // The markers of the last row and of the image may be missing.
    if (at + 2 > bytes.length && y === heightPx - 1 && x >= widthPx) return;
    const step = take(2);
    const [count, value] = [bytes.u8(step), bytes.u8(step + 1)];
    if (count > 0) {
      put(count, (position) => (isPacked ? halfOf(value, position) : value));
    } else if (value === END_OF_ROW) {
      [x, y] = [0, y + 1];
    } else if (value === END_OF_IMAGE) {
      return;
    } else if (value === LEAP) {
      const leap = take(2);
      [x, y] = [x + bytes.u8(leap), y + bytes.u8(leap + 1)];
    } else {
      const from = take(isPacked ? Math.ceil(value / 2) : value);
      put(value, (position) =>
        isPacked ? halfOf(bytes.u8(from + (position >> 1)), position) : bytes.u8(from + position),
      );
      // Padded to a multiple of two bytes; the last padding may be missing.
      at += (at - from) % 2;
    }
  }
}

/** High bits first. */
const halfOf = (byte: number, position: number): number => (position % 2 === 0 ? byte >> 4 : byte & 0xf);
