// Parses the head of a file whose length is known only once it is parsed: a growing prefix is read until the parser is
// content, so a header of kilobytes costs kilobytes and one of megabytes is still read, up to a ceiling.
import { malformed } from '../failures.js';
import { ByteCursor, EndOfBytes } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';

const FIRST_PREFIX_BYTES = 256 * 1024;
const GROWTH = 8;

/**
 * Calls `parse` with a cursor over a prefix of the source, again with a longer one when it ran out of bytes.
 * `startBytes` moves the prefix into the file; the cursor's offsets count from there.
 */
export async function parsePrefix<T>(
  source: ByteSource,
  startBytes: number,
  maxBytes: number,
  parse: (cursor: ByteCursor) => T,
): Promise<T> {
  const wholeBytes = Math.max(0, source.sizeBytes - startBytes);
  for (let prefixBytes = FIRST_PREFIX_BYTES; ; prefixBytes *= GROWTH) {
    const byteCount = Math.min(prefixBytes, wholeBytes, maxBytes);
    const bytes = await source.read(startBytes, byteCount);
    try {
      return parse(new ByteCursor(bytes, wholeBytes, source.name));
    } catch (error) {
      if (!(error instanceof EndOfBytes) || byteCount === wholeBytes) throw error;
      if (byteCount === maxBytes)
        throw malformed(source.name, `The header is longer than ${maxBytes} bytes.`, { cause: error });
    }
  }
}
