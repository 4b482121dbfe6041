// A tensor as some file stores it, whatever the format: name, element type, shape, and its elements in C order by position.
import type { CheckpointError } from '../../errors.js';
import type { FloatType } from '../../model/tensor-types.js';
import { unsupported } from '../failures.js';
import type { ByteSource } from './byte-source.js';

/** Element types that occur in weight files, with their width. Only FloatType ones can become weights of ours. */
export const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

/**
 * A product of two small matrices, times `scale`. `rows`: B [out, rank] · A [rank, in], for a weight [out, in] or a kernel of so many
 * elements. `columns`: its transpose, with A [rank, out] and B [in, rank].
 */
export interface LowRankAddition {
  readonly a: StoredTensor;
  readonly b: StoredTensor;
  readonly order: 'rows' | 'columns';
  readonly rank: number;
  readonly scale: number;
}

export interface StoredTensor {
  readonly name: string;
  readonly elementType: ElementType;
  /** Outermost dimension first; empty for a scalar. */
  readonly shape: readonly number[];
  /** The file it lies in, for messages. */
  readonly file: string;
  /** What merging adds to the elements, which are read without it: whoever uses them adds it first (convert/summed-rows.ts). */
  readonly addition?: LowRankAddition;
  /** Elements [first, first + count) in C order, little-endian. The range has been checked against the shape. */
  read(firstElement: number, elementCount: number): Promise<Uint8Array>;
}

/** Most dimensions of a tensor; convolution kernels have 4. */
export const MAX_DIMENSIONS = 8;

/** Product of the dimensions, or undefined when it is beyond 2^53. */
export function elementCountOf(shape: readonly number[]): number | undefined {
  // A zero anywhere makes the product zero, whatever the others are.
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const dimension of shape) {
    count *= dimension;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return count;
}

/** A tensor whose elements lie one after another in C order from `offsetBytes` of the source. */
export function contiguousTensor(
  source: ByteSource,
  name: string,
  elementType: ElementType,
  shape: readonly number[],
  offsetBytes: number,
): StoredTensor {
  const width = ELEMENT_BYTES[elementType];
  return {
    name,
    elementType,
    shape,
    file: source.name,
    read: (first, count) => source.read(offsetBytes + first * width, count * width),
  };
}

/** The tensor's element type, if it is one that weights can be converted from. */
export function floatTypeOf(tensor: StoredTensor): FloatType {
  const { elementType } = tensor;
  if (isFloatType(elementType)) return elementType;
  throw notFloat(tensor);
}

export const isFloatTensor = ({ elementType }: StoredTensor): boolean => isFloatType(elementType);

export const notFloat = ({ file, name, elementType }: StoredTensor): CheckpointError =>
  unsupported(file, `Tensor ${name} is stored as ${elementType}; weights must be F32, F16 or BF16.`);

const isFloatType = (type: ElementType): type is FloatType =>
  type === 'F32' || type === 'F16' || type === 'BF16';
