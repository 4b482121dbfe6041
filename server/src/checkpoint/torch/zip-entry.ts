// One entry of a ZIP archive's central directory. Pure: a cursor in, an entry out.
import { malformed, unsupported } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';

export interface CentralEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the local header. */
  readonly headerOffset: number;
}

const CENTRAL_SIGNATURE = 0x02014b50;
const ZIP64_EXTRA = 1;
const IN_ZIP64 = 0xffffffff;
const ENCRYPTED_FLAGS = 0x0041;
const STORED = 0;
/** Storage names are a folder and a number. */
const MAX_NAME_BYTES = 4096;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported */
export function parseCentralEntry(cursor: ByteCursor): CentralEntry {
  const { file } = cursor;
  if (cursor.u32() !== CENTRAL_SIGNATURE) throw malformed(file, 'The ZIP directory is damaged.');
  cursor.u32(); // versions
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.u32(); // time
  cursor.u32(); // checksum: torch writes none into half of its files
  const compressed = cursor.u32();
  const uncompressed = cursor.u32();
  const [nameBytes, extraBytes, commentBytes] = [cursor.u16(), cursor.u16(), cursor.u16()];
  cursor.range(8); // disk and attributes
  const headerOffset = cursor.u32();
  if (nameBytes > MAX_NAME_BYTES) throw malformed(file, `A ZIP entry has a name of ${nameBytes} bytes.`);
  const name = cursor.text(nameBytes, 'The name of a ZIP entry');
  const sizes = widened({ uncompressed, compressed, headerOffset }, cursor.range(extraBytes), cursor);
  cursor.range(commentBytes);
  if ((flags & ENCRYPTED_FLAGS) !== 0) throw unsupported(file, `The ZIP entry ${name} is encrypted.`);
  if (method !== STORED || sizes.compressed !== sizes.uncompressed)
    throw unsupported(file, `The ZIP entry ${name} is compressed; torch.save stores entries as they are.`);
  return { name, sizeBytes: sizes.uncompressed, headerOffset: sizes.headerOffset };
}

interface Sizes {
  readonly uncompressed: number;
  readonly compressed: number;
  readonly headerOffset: number;
}

/** Replaces the fields that are too small by those of the ZIP64 extra field, which holds only these, in this order. */
function widened(sizes: Sizes, extra: Uint8Array, { file }: ByteCursor): Sizes {
  const needed = [sizes.uncompressed, sizes.compressed, sizes.headerOffset].map((size) => size === IN_ZIP64);
  if (!needed.includes(true)) return sizes;
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  for (let offset = 0; offset + 4 <= extra.length; offset += 4 + view.getUint16(offset + 2, true)) {
    const length = view.getUint16(offset + 2, true);
    if (view.getUint16(offset, true) !== ZIP64_EXTRA || offset + 4 + length > extra.length) continue;
    let position = offset + 4;
    const next = (value: number, isWide: boolean | undefined) => {
      if (isWide !== true) return value;
      if (position + 8 > offset + 4 + length) throw malformed(file, 'A ZIP64 field is cut off.');
      const wide = view.getBigUint64(position, true);
      position += 8;
      if (wide > BigInt(Number.MAX_SAFE_INTEGER))
        throw malformed(file, `A ZIP64 size is ${wide.toString()}.`);
      return Number(wide);
    };
    return {
      uncompressed: next(sizes.uncompressed, needed[0]),
      compressed: next(sizes.compressed, needed[1]),
      headerOffset: next(sizes.headerOffset, needed[2]),
    };
  }
  throw malformed(file, 'A ZIP entry needs a ZIP64 field and has none.');
}
