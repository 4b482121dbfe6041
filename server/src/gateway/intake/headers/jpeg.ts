// Size of a JPEG image: the first start-of-frame segment (ITU-T T.81, section B.2.2). Embedded thumbnails lie inside APP
// segments, which are stepped over. The orientation of EXIF is the decoder's concern; it changes no pixel count.
import type { HeaderBytes, ImageSize } from './bytes.js';

/** Segments in front of the frame. Real files have up to about 260 (a colour profile or a depth map in 64 KB pieces). */
const MAX_SEGMENTS = 10_000;
/** Fill bytes 0xFF that may stand in front of a marker; real files have none or a few. */
const MAX_FILL_BYTES = 65_536;

/** DHT, JPG and DAC lie in the number range of the start-of-frame markers. */
const isStartOfFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
/** TEM and the restart markers have no length. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

export function jpegSize(bytes: HeaderBytes): ImageSize {
  let offset = 2;
  let fill = 0;
  for (let segment = 0; segment < MAX_SEGMENTS; segment += 1) {
    if (bytes.u8(offset) !== 0xff) throw bytes.broken(`no marker stands at byte ${offset}`);
    while (bytes.u8(offset + 1) === 0xff) {
      offset += 1;
      fill += 1;
      if (fill > MAX_FILL_BYTES) throw bytes.broken('its fill bytes do not end');
    }
    const marker = bytes.u8(offset + 1);
    if (isStartOfFrame(marker))
      return { widthPx: bytes.u16be(offset + 7), heightPx: bytes.u16be(offset + 5) };
    if (marker === 0xd9 || marker === 0xda) throw bytes.broken('it has no frame header');
    const length = isBare(marker) ? 0 : bytes.u16be(offset + 2);
    if (!isBare(marker) && length < 2) throw bytes.broken(`the segment at byte ${offset} has no length`);
    offset += 2 + length;
  }
  throw bytes.broken(`more than ${MAX_SEGMENTS} segments stand before its frame header`);
}
