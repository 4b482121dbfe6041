// Where each format keeps EXIF data. Which of several count follows Pillow 12.3. XMP is not looked at, though it may hold an
// orientation too: cameras write EXIF.
import { HeaderBytes } from '../../headers/bytes.js';
import { END_OF_IMAGE, nextSegment, START_OF_SCAN } from '../../headers/jpeg-segments.js';
import type { ImageFormat } from '../../sniff.js';
import { pngExif } from './png-exif.js';

export function exifOf(file: Uint8Array, format: ImageFormat): Uint8Array | undefined {
  switch (format) {
    case 'jpeg':
      return jpegExif(file);
    case 'png':
      return pngExif(file);
    case 'webp':
      return webpExif(file);
    case 'gif':
    case 'bmp':
      return undefined;
  }
}

const APP1 = 0xe1;
const JPEG_PREFIX = Buffer.from('Exif\0\0', 'latin1');

/** All APP1 segments of EXIF in front of the first scan, one continuing the other. */
function jpegExif(file: Uint8Array): Uint8Array | undefined {
  const bytes = new HeaderBytes(file, 'JPEG');
  const parts: Uint8Array[] = [];
  for (let at = 2; ;) {
    const segment = nextSegment(bytes, at);
    if (segment === undefined || segment.marker === START_OF_SCAN || segment.marker === END_OF_IMAGE) break;
    const content = file.subarray(segment.content, segment.end);
    if (segment.marker === APP1 && JPEG_PREFIX.equals(content.subarray(0, JPEG_PREFIX.length)))
      parts.push(content.subarray(JPEG_PREFIX.length));
    at = segment.end;
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}

/** Of the feature flags of VP8X (RFC 9649, section 2.7.1). */
const HAS_EXIF = 0x08;

/** The first EXIF chunk, where the header announces one. */
function webpExif(file: Uint8Array): Uint8Array | undefined {
  const bytes = new HeaderBytes(file, 'WEBP');
  if (bytes.tag(12) !== 'VP8X' || (bytes.u8(20) & HAS_EXIF) === 0) return undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = bytes.u32le(at + 4);
    if (bytes.tag(at) === 'EXIF') return file.subarray(at + 8, at + 8 + length);
    at += 8 + length + (length % 2);
  }
  return undefined;
}
