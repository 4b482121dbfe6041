// The tensor element types that checkpoints and GGUF files of this project use, with their ggml numbers and block layout,
// and the interface of what converts between them (implemented over ggml in native/).

interface TensorTypeFacts {
  /** Number of the type in ggml (ggml.h, enum ggml_type) and in GGUF files. */
  readonly ggmlId: number;
  /** Elements per block; rows are whole blocks. */
  readonly blockElements: number;
  readonly blockBytes: number;
}

export const TENSOR_TYPES = {
  F32: { ggmlId: 0, blockElements: 1, blockBytes: 4 },
  F16: { ggmlId: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { ggmlId: 2, blockElements: 32, blockBytes: 18 },
  /** Stand-ins for Q4_K and Q5_K where rows are no multiple of 256. */
  Q5_0: { ggmlId: 6, blockElements: 32, blockBytes: 22 },
  Q5_1: { ggmlId: 7, blockElements: 32, blockBytes: 24 },
  Q8_0: { ggmlId: 8, blockElements: 32, blockBytes: 34 },
  Q4_K: { ggmlId: 12, blockElements: 256, blockBytes: 144 },
  Q5_K: { ggmlId: 13, blockElements: 256, blockBytes: 176 },
  Q6_K: { ggmlId: 14, blockElements: 256, blockBytes: 210 },
  BF16: { ggmlId: 30, blockElements: 1, blockBytes: 2 },
} as const satisfies Record<string, TensorTypeFacts>;

export type TensorType = keyof typeof TENSOR_TYPES;

export const isTensorType = (name: string): name is TensorType => Object.hasOwn(TENSOR_TYPES, name);

/** The types that published checkpoints store weights in. */
export type FloatType = 'F32' | 'F16' | 'BF16';

/** Bytes of one row of `rowElements` elements; undefined when a row is no whole number of blocks. */
export function rowBytes(type: TensorType, rowElements: number): number | undefined {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  return rowElements % blockElements === 0 ? (rowElements / blockElements) * blockBytes : undefined;
}

/** Matrices in f32, row by row. */
export interface LowRankSum {
  /** [rows, columns] */
  readonly weights: Float32Array;
  /** [rows, rank] */
  readonly left: Float32Array;
  /** [rank, columns] */
  readonly right: Float32Array;
  readonly rank: number;
}

/** Computes on weights, off the JavaScript thread and on several cores where that pays. */
export interface TensorCodec {
  /**
   * Converts `source`, rows of `rowElements` little-endian elements of `from`, to `to`. Same type: returns `source`.
   * 16-bit to f32 is exact; f32 to bf16 and f16 rounds to nearest even as ggml does; quantisation is ggml's reference.
   */
  convert(source: Uint8Array, from: FloatType, to: TensorType, rowElements: number): Promise<Uint8Array>;

  /** weights + left · right, [rows, columns], added up in f32. What was given stays as it is. */
  addProduct(sum: LowRankSum): Promise<Float32Array>;
}
