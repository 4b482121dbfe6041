// Pixels of 16, 24 and 32 bits whose channels are marked by masks, with or without alpha.
import type { HeaderBytes } from '../../headers/bytes.js';
import { onWhite } from '../on-white.js';
import type { BmpLayout } from './layout.js';

/** Blue in the lowest bits; alpha only where masks are announced and all are empty, as in Pillow. */
const USUAL: Readonly<Record<16 | 24 | 32, BmpLayout['masks']>> = {
  16: [0x7c00, 0x03e0, 0x001f, 0],
  24: [0xff0000, 0x00ff00, 0x0000ff, 0],
  32: [0xff0000, 0x00ff00, 0x0000ff, 0xff000000],
};

interface Channel {
  readonly shift: number;
  /** Largest value of the channel; 0 when the mask is empty. */
  readonly max: number;
}

/** Puts the colour of the pixel of a row at `to`. */
export type Painter = (row: number, x: number, target: Uint8Array, to: number) => void;

/** @param hasPixel whether any pixel of the image has a property */
export function maskPainter(
  bytes: HeaderBytes,
  { coding, bitsPerPixel, masks }: BmpLayout,
  hasPixel: (is: (row: number, x: number) => boolean) => boolean,
): Painter {
  const bits = bitsPerPixel === 16 || bitsPerPixel === 24 ? bitsPerPixel : 32;
  const pixelAt = reader(bytes, bits);
  const isEmpty = masks.every((mask) => mask === 0);
  const [redMask, greenMask, blueMask, alphaMask] = isEmpty ? USUAL[bits] : masks;
  const [red, green, blue] = [redMask, greenMask, blueMask].map((mask) => channelOf(mask, bytes));
  const alpha = channelOf(coding === 'masks' ? alphaMask : 0, bytes);
  if (red === undefined || green === undefined || blue === undefined)
    throw bytes.broken('it has no colour masks');
  // Programs that know no alpha leave it zero everywhere: an image that nobody could see is meant to be opaque.
  const isOpaque = alpha.max === 0 || !hasPixel((row, x) => valueOf(pixelAt(row, x), alpha) > 0);
  return (row, x, target, to) => {
    const pixel = pixelAt(row, x);
    const opacity = isOpaque ? 255 : valueOf(pixel, alpha);
    target[to] = onWhite(valueOf(pixel, red), opacity);
    target[to + 1] = onWhite(valueOf(pixel, green), opacity);
    target[to + 2] = onWhite(valueOf(pixel, blue), opacity);
  };
}

function reader(bytes: HeaderBytes, bits: 16 | 24 | 32): (row: number, x: number) => number {
  switch (bits) {
    case 16:
      return (row, x) => bytes.u16le(row + x * 2);
    case 24:
      return (row, x) => bytes.u24le(row + x * 3);
    case 32:
      return (row, x) => bytes.u32le(row + x * 4);
  }
}

function channelOf(mask: number, bytes: HeaderBytes): Channel {
  if (mask === 0) return { shift: 0, max: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  const max = mask >>> shift;
  if ((max & (max + 1)) !== 0 || max > 0xffff) throw bytes.broken('a colour mask has gaps or is too wide');
  return { shift, max };
}

/**
 * Scaled to 0 … 255. Up to 8 bits cut off, as Pillow scales 5 and 6 (python-pillow 12.3.0, src/libImaging/Unpack.c: ImagingUnpackBGR16);
 * of more bits, which Pillow does not take, the highest 8, as of 16-bit channels in PNG.
 */
function valueOf(pixel: number, { shift, max }: Channel): number {
  const value = (pixel >>> shift) & max;
  if (max > 255) return value >>> (24 - Math.clz32(max));
  return max === 0 ? 0 : Math.floor((value * 255) / max);
}
