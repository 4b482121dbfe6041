// Size of a BMP image: BITMAPCOREHEADER has 16-bit sides, all later headers 32-bit ones with a negative height for rows from
// the top.
import type { HeaderBytes, ImageSize } from './bytes.js';

export const BMP_CORE_HEADER_BYTES = 12;

export function bmpSize(bytes: HeaderBytes): ImageSize {
  if (bytes.u32le(14) === BMP_CORE_HEADER_BYTES) {
    return { widthPx: bytes.u16le(18), heightPx: bytes.u16le(20) };
  }
  return { widthPx: bytes.i32le(18), heightPx: Math.abs(bytes.i32le(22)) };
}
