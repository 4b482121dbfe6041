// Rows of token_embd.weight, read from the GGUF file and widened to f32. The file is memory-mapped by llama.cpp as well, so
// its pages are in the page cache: a row costs one small read, and no second copy of the table stays in memory.
import { readSync } from 'node:fs';
import koffi from 'koffi';
import { Defect, NativeError } from '../errors.js';
import { rowBytes, TENSOR_TYPES, type TensorType } from '../model/tensor-types.js';
import type { Runtime } from './runtime.js';
import type { Pointer, TypeTraits } from './symbols/structs.js';

// typedef void (*ggml_to_float_t)(const void * x, float * y, int64_t k)
const toFloat = koffi.proto('void ggml_to_float_fn(const void *x, void *y, int64_t k)');

export interface EmbeddingTable {
  /** Open descriptor of the GGUF file; the caller closes it. */
  readonly descriptor: number;
  /** Offset of the tensor's first byte in the file. */
  readonly offset: number;
  readonly type: TensorType;
  readonly width: number;
  readonly rows: number;
}

export class EmbeddingRows {
  readonly #table: EmbeddingTable;
  readonly #bytes: Buffer;
  readonly #widen: (bytes: Uint8Array, target: Float32Array) => void;

  constructor(runtime: Runtime, table: EmbeddingTable) {
    const bytesPerRow = rowBytes(table.type, table.width);
    if (bytesPerRow === undefined)
      throw new Defect(`Rows of ${table.width} elements cannot be of type ${table.type}.`);
    this.#table = table;
    this.#bytes = Buffer.alloc(bytesPerRow);
    this.#widen = widener(runtime, table.type, table.width);
  }

  /** Writes the row of a token id into `target`, f32 [width]. */
  read(token: number, target: Float32Array): void {
    const { descriptor, offset, rows } = this.#table;
    if (!Number.isInteger(token) || token < 0 || token >= rows)
      throw new Defect(`Token ${token} is outside 0 … ${rows - 1}.`);
    const got = readSync(descriptor, this.#bytes, 0, this.#bytes.length, offset + token * this.#bytes.length);
    if (got !== this.#bytes.length)
      throw new Defect(`The GGUF file ends inside row ${token} of token_embd.weight.`);
    this.#widen(this.#bytes, target);
  }
}

function widener(
  runtime: Runtime,
  type: TensorType,
  width: number,
): (bytes: Uint8Array, target: Float32Array) => void {
  if (type === 'F32')
    return (bytes, target) => new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes);
  const traits = koffi.decode(
    runtime.ggml.typeTraits(TENSOR_TYPES[type].ggmlId),
    'ggml_type_traits',
  ) as TypeTraits;
  const address: Pointer | null = traits.to_float;
  if (address === null || traits.type_size !== TENSOR_TYPES[type].blockBytes) {
    throw new NativeError(
      'native.library_mismatch',
      `The library's ${type} has blocks of ${traits.type_size} bytes, this program's ${TENSOR_TYPES[type].blockBytes}.`,
    );
  }
  return (bytes, target) => {
    koffi.call(address, toFloat, bytes, target, width);
  };
}
