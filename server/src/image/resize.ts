// Image.resize of Pillow 12.3 for a whole image: the bicubic resize, and which of its two passes comes first. Bytes are rounded between
// the passes, so the order shows. Ported from python-pillow 12.3.0, src/PIL/Image.py (Image.resize).
import { bareCanvas, resizeBicubic, type Window } from './bicubic.js';
import type { RgbBitmap } from './bitmap.js';

/** An image higher than this many widths is resized vertically first, where its height shrinks. Wide images have no such rule. */
const TALL_ASPECT = 100;

/** Resizes to widthPx × heightPx and returns the window of it. */
export function resizeImage(
  bitmap: RgbBitmap,
  widthPx: number,
  heightPx: number,
  window: Window = { leftPx: 0, topPx: 0, widthPx, heightPx },
): RgbBitmap {
  const isTall = bitmap.heightPx > bitmap.widthPx * TALL_ASPECT;
  if (!isTall || heightPx >= bitmap.heightPx) {
    return resizeBicubic(bareCanvas(bitmap), widthPx, heightPx, window);
  }
  const rows = { ...window, leftPx: 0, widthPx: bitmap.widthPx };
  const lower = resizeBicubic(bareCanvas(bitmap), bitmap.widthPx, heightPx, rows);
  return resizeBicubic(bareCanvas(lower), widthPx, window.heightPx, { ...window, topPx: 0 });
}
