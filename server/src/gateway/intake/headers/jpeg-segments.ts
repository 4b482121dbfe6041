// The segments of a JPEG file as libjpeg finds them (ITU-T T.81, section B.1.1; libjpeg-turbo 3.1, jdmarker.c: next_marker): bytes that
// belong to no segment are skipped up to the next marker, as libjpeg does with a warning. Cameras and editors leave such bytes where they
// counted a segment too short. The data of a scan are such bytes too, so the walk goes on behind them.
import type { HeaderBytes } from './bytes.js';

export interface JpegSegment {
  /** The second byte of the marker, 0x01 … 0xfe. */
  readonly marker: number;
  /** Where the marker's 0xff stands. */
  readonly start: number;
  /** Where the content stands, behind the length. */
  readonly content: number;
  readonly end: number;
}

export const START_OF_IMAGE = 0xd8;
export const END_OF_IMAGE = 0xd9;
export const START_OF_SCAN = 0xda;

/** DHT, JPG and DAC lie in the number range of the start-of-frame markers. */
export const isStartOfFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** TEM, the restart markers, SOI and EOI have no length. */
const isBare = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);

/** The first segment whose marker stands at or behind `from` and before `end`. */
export function nextSegment(
  bytes: HeaderBytes,
  from: number,
  end: number = bytes.length,
): JpegSegment | undefined {
  const last = Math.min(end, bytes.length) - 1;
  for (let start = from; start < last; start += 1) {
    if (bytes.u8(start) !== 0xff) continue;
    const marker = bytes.u8(start + 1);
    // 0xff 0x00 is a value of a scan, and 0xff 0xff fills up: the marker stands at the last 0xff.
    if (marker === 0x00 || marker === 0xff) continue;
    if (isBare(marker)) return { marker, start, content: start + 2, end: start + 2 };
    // libjpeg takes a length below 2, which does not even count itself, as that of an empty segment.
    const length = Math.max(2, bytes.u16be(start + 2));
    return { marker, start, content: start + 4, end: start + 2 + length };
  }
  return undefined;
}
