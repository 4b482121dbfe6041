// Tensors and the memory they live in. A Tensor is a handle: its address stays inside native/, its shape is known to
// TypeScript, so that a wrong shape is an exception here instead of an abort of the process in C.
import { Defect, NativeError } from '../errors.js';
import { rowBytes, TENSOR_TYPES, type TensorType } from '../model/tensor-types.js';
import type { Runtime } from './runtime.js';
import type { Pointer } from './symbols/structs.js';

/** Elements per dimension, fastest first, as ggml's `ne`. */
export type Shape = readonly [number, number, number, number];

export class Tensor {
  constructor(
    readonly pointer: Pointer,
    readonly shape: Shape,
    readonly type: TensorType,
  ) {}

  get byteLength(): number {
    return shapeBytes(this.type, this.shape);
  }
}

export const fullShape = (dims: readonly number[]): Shape => [
  dims[0] ?? 1,
  dims[1] ?? 1,
  dims[2] ?? 1,
  dims[3] ?? 1,
];

export function shapeBytes(type: TensorType, shape: Shape): number {
  const row = rowBytes(type, shape[0]);
  if (row === undefined) throw new Defect(`Rows of ${shape[0]} elements cannot be of type ${type}.`);
  return row * shape[1] * shape[2] * shape[3];
}

export interface TensorSpec {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Whether it is a matrix that nothing but products reads, whole; then it may be stored in another order. */
  readonly isMatrix: boolean;
}

/** enum ggml_backend_buffer_usage: weights may be placed and repacked differently from activations. */
const USAGE_WEIGHTS = 1;

/** Tensors that lie in one buffer. */
interface Group {
  readonly context: Pointer;
  readonly buffer: Pointer;
}

/** A set of tensors in memory of the compute device, filled once and read by graphs. It must be closed after those graphs. */
export class TensorStore {
  readonly byteLength: number;
  readonly #runtime: Runtime;
  readonly #groups: Group[] = [];
  readonly #tensors = new Map<string, Tensor>();
  #isOpen = true;

  /**
   * @param matrixBuffer ggml_backend_buffer_type of all matrices, instead of the kernels' for those that they are used for
   * @throws NativeError native.call_failed when the device has too little memory
   */
  constructor(runtime: Runtime, specs: readonly TensorSpec[], matrixBuffer: Pointer | null = null) {
    const { ggml, backend, kernels } = runtime;
    this.#runtime = runtime;
    const ownBuffer = kernels.kind === 'used' ? kernels.weightsBufferType : null;
    const isPacked = ({ type, isMatrix }: TensorSpec) =>
      isMatrix &&
      (matrixBuffer !== null || (kernels.kind === 'used' && kernels.types.some((known) => known === type)));
    const packed = specs.filter(isPacked);
    this.#place(
      specs.filter((spec) => !isPacked(spec)),
      ggml.backendBufferType(backend),
    );
    const packedBuffer = matrixBuffer ?? ownBuffer;
    if (packedBuffer !== null) this.#place(packed, packedBuffer);
    this.byteLength = this.#groups.reduce((sum, { buffer }) => sum + ggml.bufferSize(buffer), 0);
  }

  #place(specs: readonly TensorSpec[], bufferType: Pointer): void {
    if (specs.length === 0) return;
    const { ggml } = this.#runtime;
    const context = ggml.init({
      mem_size: ggml.tensorOverhead() * (specs.length + 1),
      mem_buffer: null,
      no_alloc: true,
    });
    if (context === null)
      throw new NativeError('native.call_failed', 'ggml_init returned null for the weights.');
    for (const { name, type, dims } of specs) {
      const shape = fullShape(dims);
      const pointer = ggml.newTensor(context, TENSOR_TYPES[type].ggmlId, ...shape);
      ggml.setName(pointer, name);
      this.#tensors.set(name, new Tensor(pointer, shape, type));
    }
    const buffer = ggml.allocTensors(context, bufferType);
    if (buffer === null) {
      ggml.free(context);
      this.close();
      const needed = specs.reduce((sum, { name }) => sum + this.get(name).byteLength, 0);
      throw new NativeError(
        'native.out_of_memory',
        `The compute device has no room for ${needed} bytes of weights.`,
      );
    }
    ggml.bufferSetUsage(buffer, USAGE_WEIGHTS);
    this.#groups.push({ context, buffer });
  }

  /** @throws Defect when the store has no such tensor */
  get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Defect(`No tensor named ${name}.`);
    return tensor;
  }

  /** Copies `bytes`, the whole tensor, into its memory. */
  write(name: string, bytes: Uint8Array): void {
    const tensor = this.get(name);
    if (bytes.byteLength !== tensor.byteLength) {
      throw new Defect(`${name} takes ${tensor.byteLength} bytes, got ${bytes.byteLength}.`);
    }
    this.#runtime.ggml.tensorSet(tensor.pointer, bytes, 0, bytes.byteLength);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { context, buffer } of this.#groups) {
      this.#runtime.ggml.bufferFree(buffer);
      this.#runtime.ggml.free(context);
    }
  }
}
