// An image as bytes that the server takes: PNG, which loses nothing, or JPEG where that would be more than a server takes by default.
import { type Sharp } from 'sharp';
import { InputError } from '../../../../errors.js';
import { whyBroken } from '../../../../gateway/intake/decoder/restricted-sharp.js';

/** body_size_limit_bytes is 20 MiB by default, the rest of the request included. */
const MAX_PNG_BYTES = 20_000_000;
/** Without subsampled colours; a photograph of 12 megapixels has 8 MB then. */
const JPEG = { quality: 95, chromaSubsampling: '4:4:4' } as const;

/** Throws `image.undecodable` for what only shows when the pixels are read. */
export async function encode(image: Sharp): Promise<Buffer> {
  try {
    const png = await image.clone().png().toBuffer();
    if (png.length <= MAX_PNG_BYTES) return png;
    return await image.clone().flatten({ background: '#ffffff' }).jpeg(JPEG).toBuffer();
  } catch (cause) {
    throw new InputError('image.undecodable', `It is broken: ${whyBroken(cause)}.`, { cause });
  }
}
