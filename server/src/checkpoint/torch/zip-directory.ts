// The directory of a ZIP archive as torch.save writes it: stored entries only, sizes and offsets from the central directory (the
// local headers hold zeros), ZIP64 where a file needs it. Every range is checked against the file; entries may not overlap.
// Format: PKWARE APPNOTE 6.3, sections 4.3 and 4.5.3.
import { malformed, unsupported } from '../failures.js';
import { ByteCursor } from '../files/byte-cursor.js';
import type { ByteSource } from '../files/byte-source.js';
import { parseCentralEntry, type CentralEntry } from './zip-entry.js';

export interface ZipEntry {
  readonly name: string;
  /** Of the entry's bytes in the file. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_BYTES = 56;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;
/** One entry for each storage: a 70B model has some 700, and optimizer files, which are not for us, some thousands. */
const MAX_ENTRIES = 100_000;
/** Smallest central entry: 46 bytes and a name. */
const MIN_CENTRAL_BYTES = 47;
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported (compressed or encrypted entries) */
export async function readZipDirectory(source: ByteSource): Promise<ZipEntry[]> {
  const directory = await findDirectory(source);
  if (directory.offsetBytes + directory.sizeBytes > source.sizeBytes)
    throw malformed(source.name, 'The ZIP directory points past the end of the file.');
  if (
    directory.entryCount > MAX_ENTRIES ||
    directory.sizeBytes > MAX_DIRECTORY_BYTES ||
    directory.entryCount * MIN_CENTRAL_BYTES > directory.sizeBytes
  ) {
    throw malformed(
      source.name,
      `${directory.entryCount} ZIP entries in a directory of ${directory.sizeBytes} bytes; at most ${MAX_ENTRIES} are read.`,
    );
  }
  const bytes = await source.read(directory.offsetBytes, directory.sizeBytes);
  const cursor = new ByteCursor(bytes, bytes.length, source.name);
  const central = Array.from({ length: directory.entryCount }, () => parseCentralEntry(cursor));
  if (cursor.remainingBytes > 0)
    throw malformed(source.name, 'The ZIP directory is longer than its entries.');
  const entries: ZipEntry[] = [];
  for (const entry of central) entries.push(await locate(entry, source, directory.offsetBytes));
  validateDisjoint(entries, source.name);
  return entries;
}

interface Directory {
  readonly entryCount: number;
  readonly sizeBytes: number;
  readonly offsetBytes: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + MAX_COMMENT_BYTES);
  const tailStart = source.sizeBytes - tailBytes;
  const tail = await source.read(tailStart, tailBytes);
  const endOffset = findEnd(tail);
  if (endOffset === undefined)
    throw malformed(source.name, 'There is no ZIP directory at the end: the file is truncated.');
  const cursor = new ByteCursor(tail.subarray(endOffset), tailBytes - endOffset, source.name);
  cursor.u32();
  const [disk, directoryDisk, entriesHere, entryCount] = [
    cursor.u16(),
    cursor.u16(),
    cursor.u16(),
    cursor.u16(),
  ];
  const sizeBytes = cursor.u32();
  const offsetBytes = cursor.u32();
  const zip64 = await findZip64(source, tailStart + endOffset);
  if (zip64 !== undefined) return zip64;
  if (disk !== 0 || directoryDisk !== 0 || entriesHere !== entryCount)
    throw unsupported(source.name, 'The ZIP archive is split over several files.');
  if (entryCount === IN_ZIP64_16 || sizeBytes === IN_ZIP64_32 || offsetBytes === IN_ZIP64_32)
    throw malformed(source.name, 'The ZIP64 directory is missing.');
  return { entryCount, sizeBytes, offsetBytes };
}

/** Where the end record begins; its comment must reach exactly to the end of the file. */
function findEnd(tail: Uint8Array): number | undefined {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let offset = tail.length - END_BYTES; offset >= 0; offset--) {
    if (view.getUint32(offset, true) !== END_SIGNATURE) continue;
    if (offset + END_BYTES + view.getUint16(offset + END_BYTES - 2, true) === tail.length) return offset;
  }
  return undefined;
}

async function findZip64(source: ByteSource, endOffset: number): Promise<Directory | undefined> {
  const locatorOffset = endOffset - ZIP64_LOCATOR_BYTES;
  if (locatorOffset < 0) return undefined;
  const locator = await cursorAt(source, locatorOffset, ZIP64_LOCATOR_BYTES);
  if (locator.u32() !== ZIP64_LOCATOR_SIGNATURE) return undefined;
  locator.u32();
  const recordOffset = locator.u64('The offset of the ZIP64 directory');
  if (recordOffset + ZIP64_END_BYTES > locatorOffset)
    throw malformed(source.name, 'The ZIP64 end record lies outside the file.');
  const record = await cursorAt(source, recordOffset, ZIP64_END_BYTES);
  if (record.u32() !== ZIP64_END_SIGNATURE) throw malformed(source.name, 'The ZIP64 end record is missing.');
  record.range(20); // size of record, versions, disks: nothing that is needed
  const entriesHere = record.u64('The number of ZIP entries');
  const entryCount = record.u64('The number of ZIP entries');
  if (entriesHere !== entryCount)
    throw unsupported(source.name, 'The ZIP archive is split over several files.');
  return {
    entryCount,
    sizeBytes: record.u64('The size of the ZIP directory'),
    offsetBytes: record.u64('The offset of the ZIP directory'),
  };
}

/** Finds an entry's bytes behind its local header, whose name and padding have lengths of their own. */
async function locate(entry: CentralEntry, source: ByteSource, directoryStart: number): Promise<ZipEntry> {
  const { name, headerOffset, sizeBytes } = entry;
  if (headerOffset + LOCAL_BYTES > directoryStart)
    throw malformed(source.name, `The ZIP entry ${name} begins past the end of the data.`);
  const header = await cursorAt(source, headerOffset, LOCAL_BYTES);
  if (header.u32() !== LOCAL_SIGNATURE)
    throw malformed(source.name, `The ZIP entry ${name} has no local header.`);
  header.range(22); // versions, method, time, sizes: the directory's count
  const offsetBytes = headerOffset + LOCAL_BYTES + header.u16() + header.u16();
  if (offsetBytes + sizeBytes > directoryStart) {
    throw malformed(
      source.name,
      `The ZIP entry ${name} should have ${sizeBytes} bytes, which the file does not have.`,
    );
  }
  return { name, offsetBytes, sizeBytes };
}

function validateDisjoint(entries: readonly ZipEntry[], file: string): void {
  const names = new Set(entries.map((entry) => entry.name));
  if (names.size !== entries.length) throw malformed(file, 'Two ZIP entries have the same name.');
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
    if (entry.sizeBytes > 0 && entry.offsetBytes < end)
      throw malformed(file, `The ZIP entry ${entry.name} overlaps another.`);
    end = Math.max(end, entry.offsetBytes + entry.sizeBytes);
  }
}

async function cursorAt(source: ByteSource, offsetBytes: number, byteCount: number): Promise<ByteCursor> {
  return new ByteCursor(await source.read(offsetBytes, byteCount), byteCount, source.name);
}
