// Transparency laid on white, with the rounding of Pillow's Image.alpha_composite on an opaque white image (python-pillow 12.3.0,
// src/libImaging/AlphaComposite.c): each value that 8 bits of colour and alpha can make equals it. libvips' flatten cuts off instead.
import type { RgbBitmap } from '../../../image/bitmap.js';
import type { GifFrame } from '../headers/gif.js';

const WHITE = 255;

/** colour × alpha + white × (1 − alpha), rounded. */
export function onWhite(value: number, alpha: number): number {
  const sum = value * alpha + WHITE * (255 - alpha) + 128;
  return (sum + (sum >> 8)) >> 8; // sum / 255 without a division
}

/** [pixels, 4] RGBA to [pixels, 3] RGB, in the memory of the input. */
export function rgbaOnWhite(rgba: Uint8Array): Uint8Array {
  let to = 0;
  for (let from = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3] ?? 0;
    for (let channel = 0; channel < 3; channel += 1) {
      rgba[to + channel] = onWhite(rgba[from + channel] ?? 0, alpha);
    }
    to += 3;
  }
  return rgba.subarray(0, to);
}

/** [pixels, 2] grey and alpha to [pixels, 1] grey, in the memory of the input. */
export function greyOnWhite(greyAlpha: Uint8Array): Uint8Array {
  const pixelCount = greyAlpha.length / 2;
  for (let pixel = 0; pixel < pixelCount; pixel += 1) {
    greyAlpha[pixel] = onWhite(greyAlpha[pixel * 2] ?? 0, greyAlpha[pixel * 2 + 1] ?? 0);
  }
  return greyAlpha.subarray(0, pixelCount);
}

/** Makes what lies outside a frame white, where libvips leaves it black. */
export function whitenOutside({ widthPx, heightPx, pixels }: RgbBitmap, frame: GifFrame): void {
  const { leftPx, topPx } = frame;
  const end = Math.min(widthPx, leftPx + frame.widthPx);
  for (let y = 0; y < heightPx; y += 1) {
    const row = y * widthPx;
    if (y < topPx || y >= topPx + frame.heightPx) {
      pixels.fill(WHITE, row * 3, (row + widthPx) * 3);
    } else {
      pixels.fill(WHITE, row * 3, (row + leftPx) * 3);
      pixels.fill(WHITE, (row + end) * 3, (row + widthPx) * 3);
    }
  }
}
