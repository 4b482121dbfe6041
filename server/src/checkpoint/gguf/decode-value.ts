// One metadata value of a GGUF file. Arrays are refused when they could not fit into the file, before anything is allocated.
import { malformed } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';
import { GGUF_TYPE_ID, type GgufNumberType, type GgufValue } from './value.js';

/** Keys are dotted names; ggml's own limit is 65,535 bytes. */
const MAX_KEY_BYTES = 4096;
/** The longest strings are chat templates (some 10 KiB) and descriptions of ours. */
const MAX_STRING_BYTES = 16 * 2 ** 20;
/** Tokens, scores and merges: 262,144 entries in the largest vocabularies. */
const MAX_ARRAY_ITEMS = 2 ** 24;
/** A string takes at least its length. */
const MIN_ITEM_BYTES = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  u64: 8,
  i64: 8,
  f64: 8,
} as const;
type ItemType = keyof typeof MIN_ITEM_BYTES;

const TYPE_BY_ID = new Map<number, ItemType | 'array'>([
  [GGUF_TYPE_ID.u8, 'u8'],
  [GGUF_TYPE_ID.i8, 'i8'],
  [GGUF_TYPE_ID.u16, 'u16'],
  [GGUF_TYPE_ID.i16, 'i16'],
  [GGUF_TYPE_ID.u32, 'u32'],
  [GGUF_TYPE_ID.i32, 'i32'],
  [GGUF_TYPE_ID.f32, 'f32'],
  [GGUF_TYPE_ID.bool, 'bool'],
  [GGUF_TYPE_ID.string, 'string'],
  [GGUF_TYPE_ID.array, 'array'],
  [GGUF_TYPE_ID.u64, 'u64'],
  [GGUF_TYPE_ID.i64, 'i64'],
  [GGUF_TYPE_ID.f64, 'f64'],
]);

export function decodeKey(cursor: ByteCursor): string {
  const key = decodeString(cursor, 'A metadata key', MAX_KEY_BYTES);
  if (key === '') throw malformed(cursor.file, 'A metadata key is empty.');
  return key;
}

export function decodeString(cursor: ByteCursor, what: string, maxBytes = MAX_STRING_BYTES): string {
  const byteCount = cursor.u64(`The length of ${what}`);
  if (byteCount > maxBytes)
    throw malformed(cursor.file, `${what} should have ${byteCount} bytes; at most ${maxBytes}.`);
  return cursor.text(byteCount, what);
}

export function decodeValue(cursor: ByteCursor, key: string): GgufValue {
  const type = typeOf(cursor, key);
  if (type === 'array') return decodeArray(cursor, key);
  switch (type) {
    case 'string':
      return { type, value: decodeString(cursor, key) };
    case 'bool':
      return { type, value: cursor.u8() !== 0 };
    case 'u64':
    case 'i64':
      return { type, value: type === 'u64' ? cursor.u64Data() : cursor.i64() };
    default:
      return { type, value: readNumber(cursor, type) };
  }
}

function typeOf(cursor: ByteCursor, key: string): ItemType | 'array' {
  const id = cursor.u32();
  const type = TYPE_BY_ID.get(id);
  if (type === undefined) throw malformed(cursor.file, `The value of ${key} has the unknown type ${id}.`);
  return type;
}

function decodeArray(cursor: ByteCursor, key: string): GgufValue {
  const of = typeOf(cursor, key);
  if (of === 'array') throw malformed(cursor.file, `The value of ${key} is an array of arrays.`);
  const length = cursor.u64(`The length of ${key}`);
  if (length > MAX_ARRAY_ITEMS || length * MIN_ITEM_BYTES[of] > cursor.remainingBytes) {
    throw malformed(
      cursor.file,
      `The array ${key} should have ${length} items; the file cannot hold them (at most ${MAX_ARRAY_ITEMS} are read).`,
    );
  }
  const items = { length };
  switch (of) {
    case 'string':
      return { type: 'strings', of, value: Array.from(items, () => decodeString(cursor, key)) };
    case 'bool':
      return { type: 'bools', of, value: Array.from(items, () => cursor.u8() !== 0) };
    case 'u64':
      return { type: 'bigints', of, value: Array.from(items, () => cursor.u64Data()) };
    case 'i64':
      return { type: 'bigints', of, value: Array.from(items, () => cursor.i64()) };
    default:
      return { type: 'numbers', of, value: Array.from(items, () => readNumber(cursor, of)) };
  }
}

function readNumber(cursor: ByteCursor, type: GgufNumberType): number {
  switch (type) {
    case 'u8':
      return cursor.u8();
    case 'i8':
      return cursor.i8();
    case 'u16':
      return cursor.u16();
    case 'i16':
      return cursor.i16();
    case 'u32':
      return cursor.u32();
    case 'i32':
      return cursor.i32();
    case 'f32':
      return cursor.f32();
    case 'f64':
      return cursor.f64();
  }
}
