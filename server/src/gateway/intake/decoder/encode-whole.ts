// A decoded image as a PNG file, for a model elsewhere. Lossless, so that the model sees the pixels that were decoded here, and written
// anew, so that nothing of the upload but its pixels leaves this server: neither metadata nor bytes that are aimed at a decoder.
import sharp from 'sharp';
import type { RgbBitmap } from '../../../image/bitmap.js';
import { wholeSize } from '../../../image/whole.js';

/** Of zlib: half as long as its default takes, for files a few per cent larger. */
const COMPRESSION_LEVEL = 3;

/** @param maxPixels what a larger image is shrunk to */
export async function encodeWhole(bitmap: RgbBitmap, maxPixels: number): Promise<Uint8Array> {
  const { widthPx: width, heightPx: height, pixels } = bitmap;
  const size = wholeSize(bitmap, maxPixels);
  const image = sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const shrunk =
    size.widthPx === width && size.heightPx === height
      ? image
      : image.resize(size.widthPx, size.heightPx, { fit: 'fill', kernel: 'lanczos3' });
  return shrunk.png({ compressionLevel: COMPRESSION_LEVEL, palette: false }).toBuffer();
}
