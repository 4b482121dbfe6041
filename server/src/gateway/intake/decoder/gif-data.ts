// How many pixels the data of a GIF's first frame hold (GIF89a specification, appendix F: LZW with codes of variable length). libnsgif
// leaves the rest black without a word where they end early; Pillow refuses such a file, and so do we.
import type { HeaderBytes } from '../headers/bytes.js';

const MAX_CODE_BITS = 12;
const NONE = -1;

/** @param start the byte that states the bits of a pixel; counting ends at `enough` */
export function countGifPixels(bytes: HeaderBytes, start: number, enough: number): number {
  const pixelBits = bytes.u8(start);
  if (pixelBits < 1 || pixelBits >= MAX_CODE_BITS) throw bytes.broken(`its pixels have ${pixelBits} bits`);
  const clear = 2 ** pixelBits;
  /** Pixels that each code stands for. */
  const lengths = new Uint16Array(2 ** MAX_CODE_BITS).fill(1, 0, clear);
  let [next, codeBits, before, count] = [clear + 2, pixelBits + 1, NONE, 0];
  for (const read = codeReader(bytes, start + 1); count < enough;) {
    const code = read(codeBits);
    if (code === NONE || code === clear + 1) return count;
    if (code === clear) {
      [next, codeBits, before] = [clear + 2, pixelBits + 1, NONE];
      continue;
    }
    if (code > next || (code === next && before === NONE)) return count;
    if (before !== NONE && next < lengths.length) {
      lengths[next] = (lengths[before] ?? 0) + 1;
      next += 1;
      if (next === 2 ** codeBits && codeBits < MAX_CODE_BITS) codeBits += 1;
    }
    count += lengths[code] ?? 0;
    before = code;
  }
  return count;
}

/** Reads codes, low bits first, out of sub-blocks; NONE behind the last. */
function codeReader(bytes: HeaderBytes, start: number): (codeBits: number) => number {
  let [at, blockEnd] = [start, start];
  let [buffer, buffered] = [0, 0];
  return (codeBits) => {
    while (buffered < codeBits) {
      if (at === blockEnd) {
        const blockBytes = at < bytes.length ? bytes.u8(at) : 0;
        if (blockBytes === 0) return NONE;
        at += 1;
        blockEnd = Math.min(at + blockBytes, bytes.length);
        if (at === blockEnd) return NONE;
      }
      buffer |= bytes.u8(at) << buffered;
      buffered += 8;
      at += 1;
    }
    const code = buffer & (2 ** codeBits - 1);
    buffer >>>= codeBits;
    buffered -= codeBits;
    return code;
  };
}
