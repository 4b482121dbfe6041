// TIFF and AVIF through libvips: the first page, turned as its header says, as 8-bit RGB, grey or either with alpha. As in the server,
// colour profiles are ignored and CMYK becomes RGB by Pillow's formula.
import sharp, { type Sharp } from 'sharp';
import { InputError } from '../../../../errors.js';
import { cmykToRgb } from '../../../../gateway/intake/decoder/cmyk.js';
import { restrictSharp, whyBroken } from '../../../../gateway/intake/decoder/restricted-sharp.js';

/** Of libvips' readers, the only ones that stay switched on; both read memory alone. */
const ALLOWED_LOADERS = ['VipsForeignLoadTiffBuffer', 'VipsForeignLoadHeifBuffer'];

/** Must run once before the first image. */
export const prepareDecoder = (): void => restrictSharp(ALLOWED_LOADERS);

/** Measurements, which are no colours. */
const NUMBER_DEPTHS: readonly string[] = ['float', 'double', 'complex', 'dpcomplex'];

/** Throws `image.undecodable`. */
export async function decodeWithSharp(bytes: Buffer, maxPixels: number): Promise<Sharp> {
  try {
    const source = sharp(bytes, {
      limitInputPixels: maxPixels,
      failOn: 'error',
      ignoreIcc: true,
      pages: 1,
    }).autoOrient();
    const { space, depth } = await source.metadata();
    if (NUMBER_DEPTHS.includes(depth))
      throw new InputError('image.undecodable', `Its values are of the type ${depth}, which are no colours.`);
    if (space !== 'cmyk') return source;
    const inks = await source
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = inks.info;
    return sharp(cmykToRgb(inks.data), { raw: { width, height, channels: 3 } });
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('image.undecodable', `It is broken: ${whyBroken(cause)}.`, { cause });
  }
}
