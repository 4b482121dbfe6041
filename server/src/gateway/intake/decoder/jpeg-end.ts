// JPEG files whose end marker is missing, as webcams write them: whether the image is all there is found out by decoding it twice, with two
// different continuations. Where nothing is missing, no bit of them is used and both give the same pixels. (Warnings of libjpeg would tell
// too, but libvips 8.18 does not look at those of the last rows.)
import { HeaderBytes } from '../headers/bytes.js';
import { END_OF_IMAGE, isStartOfFrame, nextSegment, START_OF_SCAN } from '../headers/jpeg-segments.js';

/** The file with its end, and the file with other data before its end. */
export interface Continuations {
  readonly ended: Uint8Array;
  readonly continued: Uint8Array;
}

/** Undefined where there is an end marker, or where a scan is missing: the decoder refuses these files by itself. */
export function continuationsOf(file: Uint8Array): Continuations | undefined {
  if (file.at(-2) === 0xff && file.at(-1) === END_OF_IMAGE) return undefined;
  if (!lacksOnlyItsEnd(new HeaderBytes(file, 'JPEG'))) return undefined;
  const data = file.subarray(0, endOfData(file));
  return { ended: Buffer.concat([data, END]), continued: Buffer.concat([data, CONTINUATION, END]) };
}

const END = Buffer.from([0xff, END_OF_IMAGE]);

/** Noise, without 0xff; and again behind every restart marker, because a decoder that waits for one skips what stands before it. */
const CONTINUATION = continuation();

function continuation(): Uint8Array {
  const noise = Array.from({ length: 64 }, (_, index) => (index * index * 7 + index * 91 + 171) % 251);
  const restarts = Array.from({ length: 16 }, (_, index) => [0xff, 0xd0 + (index % 8), ...noise]);
  return Uint8Array.from([...noise, ...restarts.flat()]);
}

/** Zeros behind the data are padding, unless there is one alone or one behind 0xff, which belongs to it; 0xff is half of the marker. */
function endOfData(file: Uint8Array): number {
  let end = file.length;
  while (file[end - 1] === 0) end -= 1;
  if (file.length - end === 1) return file.length;
  if (end < file.length) return file[end - 1] === 0xff ? end + 1 : end;
  while (file[end - 1] === 0xff) end -= 1;
  return end;
}

/** Coefficients of a block. */
const COEFFICIENTS = 64;
const PROGRESSIVE_FRAME = 0xc2;

/** Whether all scans of all components have begun, and no end marker follows. */
function lacksOnlyItsEnd(bytes: HeaderBytes): boolean {
  let isProgressive = false;
  /** Of each component: how many low bits each coefficient still lacks. */
  const missing = new Map<number, number[]>();
  for (
    let segment = nextSegment(bytes, 2);
    segment !== undefined;
    segment = nextSegment(bytes, segment.end)
  ) {
    const { marker, content } = segment;
    if (marker === END_OF_IMAGE || segment.end > bytes.length) return false;
    if (isStartOfFrame(marker)) {
      isProgressive = marker === PROGRESSIVE_FRAME;
      for (let component = 0; component < bytes.u8(content + 5); component += 1)
        missing.set(bytes.u8(content + 6 + component * 3), new Array<number>(COEFFICIENTS).fill(Infinity));
    } else if (marker === START_OF_SCAN) {
      const components = bytes.u8(content);
      const [first, last, shift] = [1, 2, 3].map((at) => bytes.u8(content + components * 2 + at));
      for (let component = 0; component < components; component += 1) {
        const coefficients = missing.get(bytes.u8(content + 1 + component * 2));
        if (isProgressive) coefficients?.fill((shift ?? 0) & 0xf, first, (last ?? 0) + 1);
        else coefficients?.fill(0);
      }
    }
  }
  return missing.size > 0 && [...missing.values()].every((bits) => bits.every((count) => count === 0));
}
