// Single products, for measurements: a weight matrix several times over, so that it comes from memory instead of a cache, and graphs of
// products of it, each with rows of its own. What the numbers are does not matter; they are noise between −1 and 1.
import { NativeError } from '../errors.js';
import type { TensorType } from '../model/tensor-types.js';
import { llamaBufferType } from './extra-buffers.js';
import { GraphBuilder, type Graph } from './graph.js';
import type { Runtime } from './runtime.js';
import { createTensorCodec } from './tensor-codec.js';
import { TensorStore } from './tensors.js';

export interface MatrixShape {
  readonly type: TensorType;
  /** Results of a row (n), and elements of a row (k). */
  readonly columns: number;
  readonly depth: number;
}

/** Whose kernels compute products: where a matrix lies decides. */
export type Side = 'ours' | 'llama.cpp';

/** Rows of noise that fill a matrix again and again: quantising them all would take longer than the measurement. */
const NOISE_ROWS = 16;

export class ProductMatrix {
  /** ggml's name of the buffer's type: CPU_REPACK is llama.cpp's own order of weights. */
  readonly place: string;
  readonly #runtime: Runtime;
  readonly #shape: MatrixShape;
  readonly #copies: number;
  readonly #store: TensorStore;

  /** @throws NativeError native.call_failed when `side` is ours and the runtime has no kernels */
  static async open(
    runtime: Runtime,
    shape: MatrixShape,
    { side, copies }: { readonly side: Side; readonly copies: number },
  ): Promise<ProductMatrix> {
    const matrix = new ProductMatrix(runtime, shape, side, copies);
    const { type, columns, depth } = shape;
    const noise = noiseOf(NOISE_ROWS * depth);
    const rows = await createTensorCodec(runtime).convert(new Uint8Array(noise.buffer), 'F32', type, depth);
    const bytes = new Uint8Array((rows.byteLength / NOISE_ROWS) * columns);
    for (let at = 0; at < bytes.byteLength; at += rows.byteLength)
      bytes.set(rows.subarray(0, bytes.byteLength - at), at);
    for (let copy = 0; copy < copies; copy += 1) matrix.#store.write(String(copy), bytes);
    return matrix;
  }

  private constructor(runtime: Runtime, shape: MatrixShape, side: Side, copies: number) {
    const { type, columns, depth } = shape;
    const dims = [depth, columns];
    const buffer = side === 'ours' ? ownBufferType(runtime) : llamaBufferType(runtime, type, dims);
    this.#runtime = runtime;
    this.#shape = shape;
    this.#copies = copies;
    this.place = runtime.ggml.bufferTypeName(buffer);
    this.#store = new TensorStore(
      runtime,
      Array.from({ length: copies }, (_, copy) => ({ name: String(copy), type, dims, isMatrix: true })),
      buffer,
    );
  }

  /** Products of `rows` rows each, in turns with each copy; the caller closes the graph before the matrix. */
  products(rows: number, count: number): Graph {
    const builder = new GraphBuilder(this.#runtime);
    const { depth } = this.#shape;
    const inputs = Array.from({ length: count }, () => builder.input('F32', [depth, rows]));
    const outputs = inputs.map((x, index) =>
      builder.mulMat(this.#store.get(String(index % this.#copies)), x),
    );
    const graph = builder.finish([outputs], outputs);
    const noise = noiseOf(rows * depth);
    for (const input of inputs) graph.set(input, noise);
    return graph;
  }

  close(): void {
    this.#store.close();
  }
}

function ownBufferType({ kernels }: Runtime): bigint {
  if (kernels.kind === 'used') return kernels.weightsBufferType;
  throw new NativeError('native.call_failed', `No kernels of our own are used: ${kernels.reason}.`);
}

function noiseOf(count: number): Float32Array<ArrayBuffer> {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
}
