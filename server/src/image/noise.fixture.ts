// Bitmaps of noise that anybody can make again: the references in Pillow were made of the same bytes.
import type { RgbBitmap } from './bitmap.js';

/** The highest byte of each state of x → 1664525·x + 1013904223, which comes after the seed. */
export function noise(widthPx: number, heightPx: number, seed = 7): RgbBitmap {
  let state = seed;
  const pixels = Uint8Array.from({ length: widthPx * heightPx * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return { widthPx, heightPx, pixels };
}
