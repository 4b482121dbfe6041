// The head of a GGUF file (versions 2 and 3) from bytes: metadata and tensor table, every count and length checked against the
// file before it is used. Pure: a cursor in, data out.
import { malformed, unsupported } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';
import { elementCountOf } from '../files/stored-tensor.js';
import { GGUF_TENSOR_TYPES } from './type-table.js';
import { decodeKey, decodeString, decodeValue } from './decode-value.js';
import {
  DEFAULT_ALIGNMENT_BYTES,
  GGUF_MAGIC,
  GGUF_VERSION,
  MAX_GGUF_DIMENSIONS,
  type GgufMetadata,
  type GgufValue,
} from './value.js';

export interface GgufTensorInfo {
  readonly name: string;
  /** ggml order: the row's elements first. */
  readonly dimensions: readonly number[];
  /** Name of the element type, as in type-table.ts. */
  readonly type: string;
  /** From the start of the file. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface DecodedGguf {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensorInfo[];
}

/** Converted models have about 40 keys and, at 80 layers, 723 tensors; the largest mixture models have some thousands. */
const MAX_KEYS = 65_536;
const MAX_TENSORS = 1_048_576;
/** Smallest table entry: an empty name (8), dimension count (4), type (4), offset (8). */
const MIN_TENSOR_INFO_BYTES = 24;
/** Smallest pair: an empty key (8), a type (4), one byte. */
const MIN_PAIR_BYTES = 13;
const OLDEST_VERSION = 2;
const MAX_ALIGNMENT_BYTES = 2 ** 20;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported (version, big-endian file, unknown type) */
export function decodeGguf(cursor: ByteCursor): DecodedGguf {
  const { file } = cursor;
  if (cursor.u32() !== GGUF_MAGIC)
    throw malformed(file, 'This is no GGUF file: it does not begin with "GGUF".');
  const version = cursor.u32();
  if (version < OLDEST_VERSION || version > GGUF_VERSION) {
    throw unsupported(
      file,
      `GGUF version ${version}; ${OLDEST_VERSION} and ${GGUF_VERSION} (little-endian) are supported.`,
    );
  }
  const tensorCount = checkedCount(cursor, 'tensors', MAX_TENSORS, MIN_TENSOR_INFO_BYTES);
  const keyCount = checkedCount(cursor, 'metadata keys', MAX_KEYS, MIN_PAIR_BYTES);
  const metadata = decodeMetadata(cursor, keyCount);
  const alignment = alignmentOf(metadata, file);
  const infos = Array.from({ length: tensorCount }, () => decodeTensorInfo(cursor));
  const dataStart = Math.ceil(cursor.offsetBytes / alignment) * alignment;
  return { metadata, tensors: placeTensors(infos, dataStart, alignment, cursor.wholeBytes, file) };
}

function checkedCount(cursor: ByteCursor, what: string, most: number, minBytesEach: number): number {
  const count = cursor.u64(`The number of ${what}`);
  if (count > most || count * minBytesEach > cursor.wholeBytes) {
    throw malformed(
      cursor.file,
      `${count} ${what} are announced; a file of ${cursor.wholeBytes} bytes cannot have them (at most ${most} are read).`,
    );
  }
  return count;
}

function decodeMetadata(cursor: ByteCursor, keyCount: number): GgufMetadata {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < keyCount; index++) {
    const key = decodeKey(cursor);
    if (metadata.has(key)) throw malformed(cursor.file, `The metadata key ${key} occurs twice.`);
    metadata.set(key, decodeValue(cursor, key));
  }
  return metadata;
}

function alignmentOf(metadata: GgufMetadata, file: string): number {
  const value = metadata.get('general.alignment');
  if (value === undefined) return DEFAULT_ALIGNMENT_BYTES;
  if (value.type !== 'u32' || value.value === 0 || value.value > MAX_ALIGNMENT_BYTES || value.value % 8 !== 0)
    throw malformed(file, 'general.alignment must be a u32 multiple of 8, at most 1 MiB.');
  return value.value;
}

function decodeTensorInfo(cursor: ByteCursor): GgufTensorInfo {
  const { file } = cursor;
  const name = decodeString(cursor, 'A tensor name');
  const dimensionCount = cursor.u32();
  if (dimensionCount > MAX_GGUF_DIMENSIONS)
    throw malformed(file, `Tensor ${name} has ${dimensionCount} dimensions; at most ${MAX_GGUF_DIMENSIONS}.`);
  const dimensions = Array.from({ length: dimensionCount }, () => cursor.u64(`A dimension of ${name}`));
  const typeId = cursor.u32();
  const facts = GGUF_TENSOR_TYPES.get(typeId);
  if (facts === undefined) throw unsupported(file, `Tensor ${name} has the unknown element type ${typeId}.`);
  const elements = elementCountOf(dimensions);
  const rowElements = dimensions[0] ?? 1;
  if (elements === undefined || rowElements % facts.blockElements !== 0) {
    throw malformed(
      file,
      `Tensor ${name} [${dimensions.join(', ')}] cannot be stored as ${facts.name}, which has blocks of ${facts.blockElements}.`,
    );
  }
  const sizeBytes = (elements / facts.blockElements) * facts.blockBytes;
  return { name, dimensions, type: facts.name, sizeBytes, offsetBytes: cursor.u64(`The offset of ${name}`) };
}

/** Turns offsets into the data into offsets into the file, and checks that the tensors lie in it side by side. */
function placeTensors(
  infos: readonly GgufTensorInfo[],
  dataStart: number,
  alignment: number,
  fileBytes: number,
  file: string,
): GgufTensorInfo[] {
  const names = new Set<string>();
  let takenBytes = 0;
  return infos.map((info) => {
    if (names.has(info.name)) throw malformed(file, `Tensor ${info.name} occurs twice.`);
    names.add(info.name);
    // ggml demands this order too; with it, no two tensors can overlap.
    if (info.offsetBytes !== takenBytes)
      throw malformed(file, `Tensor ${info.name} begins at ${info.offsetBytes} instead of ${takenBytes}.`);
    takenBytes += Math.ceil(info.sizeBytes / alignment) * alignment;
    const offsetBytes = dataStart + info.offsetBytes;
    if (!(offsetBytes + info.sizeBytes <= fileBytes)) {
      throw malformed(
        file,
        `Tensor ${info.name} ends at byte ${offsetBytes + info.sizeBytes}, the file has ${fileBytes}: it is truncated.`,
      );
    }
    return { ...info, offsetBytes };
  });
}
