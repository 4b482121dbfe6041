// Size of a JPEG image: the first start-of-frame segment (ITU-T T.81, section B.2.2). Embedded thumbnails lie inside APP
// segments, which are stepped over. The orientation of EXIF is the decoder's concern; it changes no pixel count.
import type { HeaderBytes, ImageSize } from './bytes.js';
import { END_OF_IMAGE, isStartOfFrame, nextSegment, START_OF_IMAGE, START_OF_SCAN } from './jpeg-segments.js';

/** Segments in front of the frame. Real files have up to about 260 (a colour profile or a depth map in 64 KB pieces). */
const MAX_SEGMENTS = 10_000;
/**
 * Bytes of no segment in front of the frame, 0xff that fill up included. Attack: 20 MB of them hold the event loop for seconds. Real
 * files have a few, and at most what a segment can hold, where its length was written as 2.
 */
const MAX_SKIPPED_BYTES = 2 ** 16;

export function jpegSize(bytes: HeaderBytes): ImageSize {
  let offset = 2;
  let skippable = MAX_SKIPPED_BYTES;
  for (let count = 0; count < MAX_SEGMENTS; count += 1) {
    const segment = nextSegment(bytes, offset, offset + skippable);
    if (segment === undefined) throw bytes.broken(`no marker follows byte ${offset}`);
    const { marker, content } = segment;
    if (isStartOfFrame(marker))
      return { widthPx: bytes.u16be(content + 3), heightPx: bytes.u16be(content + 1) };
    if (marker === START_OF_IMAGE || marker === END_OF_IMAGE || marker === START_OF_SCAN)
      throw bytes.broken('it has no frame header');
    skippable -= segment.start - offset;
    offset = segment.end;
  }
  throw bytes.broken(`more than ${MAX_SEGMENTS} segments stand before its frame header`);
}
