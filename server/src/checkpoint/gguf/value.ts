// Metadata values of a GGUF file (version 3) and the constants of the format. Source of the layout: ggml, include/gguf.h.

export const GGUF_MAGIC = 0x46554747; // "GGUF", little-endian
export const GGUF_VERSION = 3;
export const DEFAULT_ALIGNMENT_BYTES = 32;
/** ggml keeps names in 64 bytes with the closing NUL. */
export const MAX_TENSOR_NAME_BYTES = 63;
/** ggml's tensors have at most 4 dimensions. */
export const MAX_GGUF_DIMENSIONS = 4;

/** Numbers of the value types in the file. */
export const GGUF_TYPE_ID = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64';

export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: 'u64' | 'i64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'numbers'; readonly of: GgufNumberType; readonly value: readonly number[] }
  | { readonly type: 'bigints'; readonly of: 'u64' | 'i64'; readonly value: readonly bigint[] }
  | { readonly type: 'bools'; readonly of: 'bool'; readonly value: readonly boolean[] }
  | { readonly type: 'strings'; readonly of: 'string'; readonly value: readonly string[] };

/** In the order of the file. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export const u32 = (value: number): GgufValue => ({ type: 'u32', value });
export const f32 = (value: number): GgufValue => ({ type: 'f32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const text = (value: string): GgufValue => ({ type: 'string', value });
export const texts = (value: readonly string[]): GgufValue => ({ type: 'strings', of: 'string', value });
export const f32s = (value: readonly number[]): GgufValue => ({ type: 'numbers', of: 'f32', value });
export const i32s = (value: readonly number[]): GgufValue => ({ type: 'numbers', of: 'i32', value });
