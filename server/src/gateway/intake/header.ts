// The size an image claims in its header, validated before anything is allocated or decoded.
import { InputError } from '../../errors.js';
import { bmpSize } from './headers/bmp.js';
import { HeaderBytes, type ImageSize } from './headers/bytes.js';
import { gifSize } from './headers/gif.js';
import { jpegSize } from './headers/jpeg.js';
import { pngSize } from './headers/png.js';
import { webpSize } from './headers/webp.js';
import type { ImageFormat } from './sniff.js';

export interface ImageLimits {
  /** Width times height; setting `max_image_pixels`. */
  readonly maxImagePixels: number;
}

/**
 * Longest side in pixels. Attack: 1 × 50,000,000 passes the pixel limit, and the weights of resizing grow with the side (a square
 * of 50 million, 800 MB of weights). Largest real value: 65,535, all that JPEG and GIF can say; scans of scrolls reach 52,800.
 */
export const MAX_SIDE_PX = 65_535;

const SIZE_READERS: Readonly<Record<ImageFormat, (bytes: HeaderBytes) => ImageSize>> = {
  jpeg: jpegSize,
  png: pngSize,
  webp: webpSize,
  gif: gifSize,
  bmp: bmpSize,
};

/** Throws `image.undecodable` when the header is cut or senseless. */
export function readHeader(bytes: Uint8Array, format: ImageFormat): ImageSize {
  const header = new HeaderBytes(bytes, format.toUpperCase());
  const size = SIZE_READERS[format](header);
  if (size.widthPx < 1 || size.heightPx < 1) {
    throw header.broken(`its header says ${size.widthPx} × ${size.heightPx} pixels`);
  }
  return size;
}

/** Throws `image.too_large`. */
export function validateSize({ widthPx, heightPx }: ImageSize, { maxImagePixels }: ImageLimits): void {
  const pixels = widthPx * heightPx;
  if (pixels > maxImagePixels) {
    throw new InputError(
      'image.too_large',
      `The image has ${widthPx} × ${heightPx} = ${pixels} pixels; max_image_pixels allows ${maxImagePixels}.`,
      { details: { widthPx, heightPx, got: pixels, allowed: maxImagePixels, setting: 'max_image_pixels' } },
    );
  }
  const longest = Math.max(widthPx, heightPx);
  if (longest > MAX_SIDE_PX) {
    throw new InputError(
      'image.too_large',
      `The image has ${widthPx} × ${heightPx} pixels; no side may be longer than ${MAX_SIDE_PX} pixels (fixed).`,
      { details: { widthPx, heightPx, got: longest, allowed: MAX_SIDE_PX } },
    );
  }
}
