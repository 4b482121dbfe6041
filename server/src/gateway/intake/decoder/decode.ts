// Bytes to an RGB bitmap, with sharp (libvips) and our BMP reader. Pixels follow the reference, PIL's convert('RGB'), except where a
// person sees otherwise what is meant:
// - EXIF orientation is applied, wherever the format keeps it (the reference shows the image lying on its side).
// - Transparency is laid on white, rounded as Pillow's alpha_composite rounds (the reference shows the hidden colours). Where the
//   first frame of a GIF leaves its canvas free, there is white, too (the reference shows some colour of the palette).
// - 16 bits per channel become 8 by taking the high byte (the reference clips grey to white).
// As in the reference: embedded colour profiles are ignored, so a Display P3 photograph looks slightly paler, as it did in training;
// CMYK JPEGs are taken as inverted (as Adobe writes them) and become RGB by Pillow's formula, not through a profile; the first
// frame of an animation counts; JPEG data are decoded at full size by libjpeg-turbo's accurate transform; files that end early are
// refused. A JPEG whose end marker alone is missing is taken, though Pillow refuses it.
import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { InputError } from '../../../errors.js';
import type { RgbBitmap } from '../../../image/bitmap.js';
import { readHeader, validateSize } from '../header.js';
import { HeaderBytes } from '../headers/bytes.js';
import { firstGifFrame } from '../headers/gif.js';
import type { ImageFormat } from '../sniff.js';
import { decodeBmp } from './bmp/bmp.js';
import { cmykToRgb } from './cmyk.js';
import { exifOf } from './exif/exif-of.js';
import { type Orientation, readOrientation } from './exif/orientation.js';
import { countGifPixels } from './gif-data.js';
import { continuationsOf } from './jpeg-end.js';
import { greyOnWhite, rgbaOnWhite, whitenOutside } from './on-white.js';
import { restrictSharp, whyBroken } from './restricted-sharp.js';

/** The only readers of libvips that stay switched on; none of them reads files or starts programs. */
const ALLOWED_LOADERS = [
  'VipsForeignLoadJpegBuffer',
  'VipsForeignLoadPngBuffer',
  'VipsForeignLoadWebpBuffer',
  'VipsForeignLoadNsgifBuffer',
];

/** Must run once before the first image. */
export const prepareDecoder = (): void => restrictSharp(ALLOWED_LOADERS);

/** Throws `image.undecodable` for broken bytes, `image.too_large`. */
export async function decodeImage(
  bytes: Uint8Array,
  format: ImageFormat,
  maxImagePixels: number,
): Promise<RgbBitmap> {
  if (format === 'bmp') {
    // libvips has its own limit of pixels.
    validateSize(readHeader(bytes, format), { maxImagePixels });
    return decodeBmp(bytes);
  }
  try {
    if (format === 'jpeg') return await decodeJpeg(bytes, maxImagePixels);
    if (format === 'gif') return await decodeGif(bytes, maxImagePixels);
    return await decodeWithSharp(bytes, format, maxImagePixels);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      'image.undecodable',
      `The ${format.toUpperCase()} image is broken: ${whyBroken(cause)}.`,
      { cause },
    );
  }
}

async function decodeJpeg(bytes: Uint8Array, maxImagePixels: number): Promise<RgbBitmap> {
  const continuations = continuationsOf(bytes);
  if (continuations === undefined) return decodeWithSharp(bytes, 'jpeg', maxImagePixels);
  // One after the other, so that the pixels are in memory once.
  const other = sha256((await decodeWithSharp(continuations.continued, 'jpeg', maxImagePixels)).pixels);
  const bitmap = await decodeWithSharp(continuations.ended, 'jpeg', maxImagePixels);
  if (sha256(bitmap.pixels) === other) return bitmap;
  throw new InputError('image.undecodable', 'The JPEG image is broken: its data end before its last row.');
}

async function decodeGif(file: Uint8Array, maxImagePixels: number): Promise<RgbBitmap> {
  const bytes = new HeaderBytes(file, 'GIF');
  const frame = firstGifFrame(bytes);
  const pixels = frame.widthPx * frame.heightPx;
  const held = countGifPixels(bytes, frame.dataStart, pixels);
  if (held < pixels) throw bytes.broken(`the data of its first frame end after ${held} of ${pixels} pixels`);
  const bitmap = await decodeWithSharp(file, 'gif', maxImagePixels);
  whitenOutside(bitmap, frame);
  return bitmap;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function decodeWithSharp(
  bytes: Uint8Array,
  format: Exclude<ImageFormat, 'bmp'>,
  maxImagePixels: number,
): Promise<RgbBitmap> {
  const options = {
    limitInputPixels: maxImagePixels,
    // "error" refuses truncation and broken data. "warning" would also refuse photographs with harmless flaws, such as
    // PNG files with an odd colour profile.
    failOn: 'error',
    sequentialRead: true,
    ignoreIcc: true,
    pages: 1,
  } as const;
  const source = sharp(bytes, options);
  const { space } = await source.metadata();
  // libvips would see no EXIF behind the pixels of a PNG file or in its text.
  const exif = exifOf(bytes, format);
  const oriented = exif === undefined ? source : turn(source, readOrientation(exif));
  if (space === 'cmyk') {
    const raw = oriented.pipelineColourspace('cmyk').toColourspace('cmyk').raw();
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    validateChannels(info.channels, 4);
    return { widthPx: info.width, heightPx: info.height, pixels: cmykToRgb(data) };
  }
  const raw = oriented.toColourspace('srgb').raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  return { widthPx: info.width, heightPx: info.height, pixels: toRgb(data, info.channels) };
}

/** Upright, by orientation: sharp mirrors first and turns clockwise then. */
const TURNS: Readonly<
  Record<Orientation, { readonly flip?: true; readonly flop?: true; readonly degrees?: number }>
> = {
  1: {},
  2: { flop: true },
  3: { degrees: 180 },
  4: { flip: true },
  5: { flip: true, degrees: 90 },
  6: { degrees: 90 },
  7: { flop: true, degrees: 90 },
  8: { degrees: 270 },
};

function turn(image: Sharp, orientation: Orientation): Sharp {
  const { flip = false, flop = false, degrees = 0 } = TURNS[orientation];
  return image.flip(flip).flop(flop).rotate(degrees);
}

function toRgb(samples: Uint8Array, channels: number): Uint8Array {
  switch (channels) {
    case 1:
      return greyToRgb(samples);
    case 2:
      return greyToRgb(greyOnWhite(samples));
    case 4:
      return rgbaOnWhite(samples);
    default:
      validateChannels(channels, 3);
      return samples;
  }
}

function validateChannels(got: number, allowed: number): void {
  if (got === allowed) return;
  throw new InputError('image.undecodable', `The image has ${got} channels where ${allowed} are expected.`);
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  grey.forEach((value, pixel) => rgb.fill(value, pixel * 3, pixel * 3 + 3));
  return rgb;
}
