// Builds ggml graphs from TypeScript and computes them. Operations check shapes here, because ggml answers a wrong one by
// aborting the process. A graph is built once and computed many times, by one caller at a time.
import { Defect, NativeError } from '../errors.js';
import { TENSOR_TYPES, type TensorType } from '../model/tensor-types.js';
import type { Runtime } from './runtime.js';
import type { Pointer } from './symbols/structs.js';
import { fullShape, shapeBytes, Tensor, type Shape } from './tensors.js';

/** Node limit of one graph; a whole ViT-L takes about 900. */
const MAX_NODES = 4096;

/** For the alignment of a graph in its context. */
const PART_OVERHEAD_BYTES = 64;

/** enum ggml_status */
const ALLOCATION_FAILED = -2;

/**
 * enum ggml_prec. GPUs would add up products of f16 weights in f16: what lies beyond 65504 is lost without a word, and the features
 * of an image depend on how many others are computed beside it. Processors add in f32 whatever is asked for.
 */
const PRECISION_F32 = 10;

export class GraphBuilder {
  readonly #runtime: Runtime;
  readonly #context: Pointer;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    const { ggml } = runtime;
    const context = ggml.init({
      mem_size: ggml.tensorOverhead() * MAX_NODES + ggml.graphOverhead(MAX_NODES, false),
      mem_buffer: null,
      no_alloc: true,
    });
    if (context === null) throw new NativeError('native.call_failed', 'ggml_init returned null for a graph.');
    this.#context = context;
  }

  /** A tensor that the caller fills before each compute. */
  input(type: TensorType, dims: readonly number[]): Tensor {
    const shape = fullShape(dims);
    const pointer = this.#runtime.ggml.newTensor(this.#context, TENSOR_TYPES[type].ggmlId, ...shape);
    this.#runtime.ggml.setInput(pointer);
    return new Tensor(pointer, shape, type);
  }

  /** a + b; b is repeated over the dimensions in which it is 1. */
  add(a: Tensor, b: Tensor): Tensor {
    return this.#broadcast('add', a, b);
  }

  /** a · b elementwise; b is repeated over the dimensions in which it is 1. */
  mul(a: Tensor, b: Tensor): Tensor {
    return this.#broadcast('mul', a, b);
  }

  scale(a: Tensor, factor: number): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.scale(this.#context, a.pointer, factor));
  }

  /** (x − mean) / sqrt(variance + epsilon) over the first dimension. */
  norm(a: Tensor, epsilon: number): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.norm(this.#context, a.pointer, epsilon));
  }

  /** x · sigmoid(x) */
  silu(a: Tensor): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.silu(this.#context, a.pointer));
  }

  /** GELU with the exact error function. */
  geluErf(a: Tensor): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.geluErf(this.#context, a.pointer));
  }

  /** weights [k, m] times b [k, n, …] gives [m, n, …] in f32. */
  mulMat(weights: Tensor, b: Tensor): Tensor {
    const [k, m, w2, w3] = weights.shape;
    const [bk, n, b2, b3] = b.shape;
    if (k !== bk || b2 % w2 !== 0 || b3 % w3 !== 0) throw mismatch('mulMat', weights, b);
    const { ggml } = this.#runtime;
    const pointer = ggml.mulMat(this.#context, weights.pointer, b.pointer);
    ggml.mulMatPrecision(pointer, PRECISION_F32);
    return new Tensor(pointer, [m, n, b2, b3], 'F32');
  }

  /** softmax(scale · a) over the first dimension. */
  softMax(a: Tensor, scale: number): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.softMax(this.#context, a.pointer, null, scale, 0));
  }

  /** q, k, v [d, rows, heads, batch] without mask gives [d, heads, rows, batch]. */
  flashAttention(q: Tensor, k: Tensor, v: Tensor, scale: number): Tensor {
    const [d, rows, heads, batch] = q.shape;
    if (k.shape[0] !== d || k.shape[1] !== v.shape[1]) throw mismatch('flashAttention', q, k);
    const pointer = this.#runtime.ggml.flashAttention(
      this.#context,
      q.pointer,
      k.pointer,
      v.pointer,
      null,
      scale,
      0,
      0,
    );
    this.#runtime.ggml.flashAttentionPrecision(pointer, PRECISION_F32);
    return new Tensor(pointer, [d, heads, rows, batch], 'F32');
  }

  /** Copies of a one behind the other, up to the shape `dims`. */
  repeat(a: Tensor, dims: readonly number[]): Tensor {
    const shape = fullShape(dims);
    if (shape.some((n, i) => n % (a.shape[i] ?? 1) !== 0))
      throw new Defect(`repeat: [${a.shape.join(', ')}] does not fill [${shape.join(', ')}].`);
    return new Tensor(this.#runtime.ggml.repeat(this.#context, a.pointer, ...shape), shape, a.type);
  }

  concat(a: Tensor, b: Tensor, dimension: 0 | 1 | 2 | 3): Tensor {
    if (a.shape.some((n, i) => i !== dimension && n !== b.shape[i])) throw mismatch('concat', a, b);
    const shape = a.shape.map((n, i) => (i === dimension ? n + b.shape[dimension] : n));
    return new Tensor(
      this.#runtime.ggml.concat(this.#context, a.pointer, b.pointer, dimension),
      fullShape(shape),
      a.type,
    );
  }

  cast(a: Tensor, type: TensorType): Tensor {
    return new Tensor(
      this.#runtime.ggml.cast(this.#context, a.pointer, TENSOR_TYPES[type].ggmlId),
      a.shape,
      type,
    );
  }

  /** A copy whose elements lie in memory in the order of its shape, which a permuted view's do not. */
  cont(a: Tensor): Tensor {
    return this.#sameShape(a, this.#runtime.ggml.cont(this.#context, a.pointer));
  }

  /** Dimension i of the argument becomes dimension axes[i] of the result; a view. */
  permute(a: Tensor, axes: Shape): Tensor {
    const shape = [1, 1, 1, 1];
    axes.forEach((to, from) => {
      shape[to] = a.shape[from] ?? 1;
    });
    return new Tensor(
      this.#runtime.ggml.permute(this.#context, a.pointer, ...axes),
      fullShape(shape),
      a.type,
    );
  }

  /** A view of contiguous elements under another shape. */
  reshape(a: Tensor, dims: readonly number[]): Tensor {
    const shape = fullShape(dims);
    if (count(shape) !== count(a.shape))
      throw new Defect(`reshape: [${a.shape.join(', ')}] has not the elements of [${shape.join(', ')}].`);
    return new Tensor(this.#runtime.ggml.reshape(this.#context, a.pointer, ...shape), shape, a.type);
  }

  /** Rows first … first + rows − 1 of each [width, rows, batch] slice, as a view. */
  rows(a: Tensor, first: number, rows: number): Tensor {
    const [width, allRows, batch] = a.shape;
    if (first + rows > allRows) throw new Defect(`rows: ${first} + ${rows} is beyond ${allRows} rows.`);
    const row = shapeBytes(a.type, [width, 1, 1, 1]);
    const pointer = this.#runtime.ggml.view3d(
      this.#context,
      a.pointer,
      width,
      rows,
      batch,
      row,
      row * allRows,
      row * first,
    );
    return new Tensor(pointer, [width, rows, batch, 1], a.type);
  }

  /**
   * Ends building. The graph owns the builder's memory; the builder must not be used again.
   * @param parts what each part of the computation is for, in order; every one takes at least one operation more than those before it
   * @param outputs what can be read afterwards
   */
  finish(parts: readonly (readonly Tensor[])[], outputs: readonly Tensor[]): Graph {
    const { ggml } = this.#runtime;
    for (const { pointer } of outputs) ggml.setOutput(pointer);
    const graph = ggml.newGraph(this.#context, MAX_NODES, false);
    const ends = parts.map((tensors) => {
      for (const { pointer } of tensors) ggml.buildForward(graph, pointer);
      return ggml.nodeCount(graph);
    });
    return new Graph(this.#runtime, this.#context, { graph, ends });
  }

  #sameShape(a: Tensor, pointer: Pointer): Tensor {
    return new Tensor(pointer, a.shape, a.type);
  }

  #broadcast(name: 'add' | 'mul', a: Tensor, b: Tensor): Tensor {
    if (a.shape.some((n, i) => n % (b.shape[i] ?? 1) !== 0)) throw mismatch(name, a, b);
    return this.#sameShape(a, this.#runtime.ggml[name](this.#context, a.pointer, b.pointer));
  }
}

interface Built {
  readonly graph: Pointer;
  /** Nodes up to the end of each part. */
  readonly ends: readonly number[];
}

/**
 * A finished graph with its own activation memory, in which what one part computed stays for the next: parts are computed in order,
 * those left out that no later one needs, and other graphs may be computed in between.
 */
export class Graph {
  readonly #runtime: Runtime;
  /** Of the tensors, and of the parts where there are several. */
  readonly #contexts: readonly Pointer[];
  readonly #parts: readonly Pointer[];
  readonly #allocator: Pointer;
  #isOpen = true;

  constructor(runtime: Runtime, context: Pointer, { graph, ends }: Built) {
    const { ggml, backend } = runtime;
    this.#runtime = runtime;
    const cut = ends.length === 1 ? { context: null, parts: [graph] } : cutGraph(runtime, graph, ends);
    this.#contexts = cut.context === null ? [context] : [context, cut.context];
    this.#parts = cut.parts;
    this.#allocator = ggml.gallocrNew(ggml.backendBufferType(backend));
    if (!ggml.gallocrAlloc(this.#allocator, graph)) {
      this.close();
      throw new NativeError(
        'native.out_of_memory',
        'The compute device has no room for the activations of a graph.',
      );
    }
  }

  get partCount(): number {
    return this.#parts.length;
  }

  set(input: Tensor, data: Float32Array | Int32Array): void {
    if (data.byteLength !== input.byteLength)
      throw new Defect(`The input takes ${input.byteLength} bytes, got ${data.byteLength}.`);
    this.#runtime.ggml.tensorSet(input.pointer, data, 0, data.byteLength);
  }

  /** Computes all parts off the JavaScript thread. @throws NativeError native.call_failed with ggml's status, native.out_of_memory */
  async compute(): Promise<void> {
    for (let part = 0; part < this.partCount; part += 1) await this.computePart(part);
  }

  /** Computes one part off the JavaScript thread, after all before it. @throws NativeError as `compute` */
  async computePart(index: number): Promise<void> {
    const graph = this.#parts[index];
    if (graph === undefined) throw new Defect(`The graph has ${this.partCount} parts, not ${index + 1}.`);
    const { backend, inference } = this.#runtime;
    const { status } = await inference.run({ kind: 'graph', backend, graph });
    if (status === ALLOCATION_FAILED)
      throw new NativeError(
        'native.out_of_memory',
        'The compute device has no memory for a graph; other programs may have taken it since the start.',
      );
    if (status !== 0)
      throw new NativeError(
        'native.call_failed',
        `ggml_backend_graph_compute returned ${status}; the output is undefined.`,
      );
  }

  /** A copy of an f32 output, whose part has been computed. */
  read(output: Tensor): Float32Array {
    const values = new Float32Array(count(output.shape));
    this.readInto(output, values);
    return values;
  }

  /** Copies an f32 output, whose part has been computed. */
  readInto({ pointer, byteLength }: Tensor, values: Float32Array): void {
    if (values.byteLength !== byteLength)
      throw new Defect(`The output takes ${byteLength} bytes, got ${values.byteLength}.`);
    this.#runtime.ggml.tensorGet(pointer, values, 0, byteLength);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#runtime.ggml.gallocrFree(this.#allocator);
    for (const context of this.#contexts) this.#runtime.ggml.free(context);
  }
}

/** Graphs of the nodes up to each end, in a context of their own. */
function cutGraph(
  { ggml }: Runtime,
  graph: Pointer,
  ends: readonly number[],
): { readonly context: Pointer; readonly parts: readonly Pointer[] } {
  const sizes = ends.map((end, index) => end - (ends[index - 1] ?? 0));
  const context = ggml.init({
    mem_size: sizes.reduce((sum, size) => sum + PART_OVERHEAD_BYTES + ggml.graphOverhead(size, false), 0),
    mem_buffer: null,
    no_alloc: true,
  });
  if (context === null) throw new NativeError('native.call_failed', 'ggml_init returned null for a graph.');
  let node = 0;
  const parts = sizes.map((size) => {
    const part = ggml.newGraph(context, size, false);
    for (let added = 0; added < size; added += 1) ggml.addNode(part, ggml.node(graph, node++));
    return part;
  });
  return { context, parts };
}

const count = (shape: Shape): number => shape[0] * shape[1] * shape[2] * shape[3];

const mismatch = (operation: string, a: Tensor, b: Tensor): Defect =>
  new Defect(`${operation}: shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}] do not fit.`);
