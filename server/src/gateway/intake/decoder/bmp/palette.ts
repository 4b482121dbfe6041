// Pixels that are indices into a palette.
import type { HeaderBytes } from '../../headers/bytes.js';
import type { BmpLayout } from './layout.js';

/** RGB of 256 indices. Those beyond the palette are black, as in Pillow. */
export function readPalette(bytes: HeaderBytes, { palette }: BmpLayout): Uint8Array {
  const { start, entryBytes, colours } = palette;
  const rgb = new Uint8Array(256 * 3);
  for (let colour = 0; colour < colours; colour += 1) {
    const from = start + colour * entryBytes;
    rgb.set([bytes.u8(from + 2), bytes.u8(from + 1), bytes.u8(from)], colour * 3);
  }
  return rgb;
}

/** Puts one colour of a palette at `to`. */
export function putColour(palette: Uint8Array, index: number, target: Uint8Array, to: number): void {
  target[to] = palette[index * 3] ?? 0;
  target[to + 1] = palette[index * 3 + 1] ?? 0;
  target[to + 2] = palette[index * 3 + 2] ?? 0;
}
