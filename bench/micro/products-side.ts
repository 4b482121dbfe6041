// One side of the comparison of single products: a process without a model, which makes matrices and multiplies with them.
import { cpuDevice } from 'takeoff-server/native/gpu/find-device.js';
import type { Graph } from 'takeoff-server/native/graph.js';
import { measureLimits, type ProcessorLimits } from 'takeoff-server/native/kernels/limits.js';
import { ProductMatrix, type MatrixShape, type Side } from 'takeoff-server/native/products.js';
import { openRuntime, type Runtime } from 'takeoff-server/native/runtime.js';
import type { KernelChoice } from 'takeoff-server/model/kernels.js';
import { timesOf, type Times } from './side.js';

export interface ProductsSideOptions {
  readonly side: Side;
  readonly llamaLibDir: string | null;
  readonly threads: number;
  readonly kernels: KernelChoice;
}

export type ProductsWork =
  /** The matrix of the products that follow, so many times. */
  | { readonly kind: 'matrix'; readonly shape: MatrixShape; readonly copies: number }
  /** So many products, one after the other, each of `rows` rows of its own. */
  | { readonly kind: 'products'; readonly rows: number; readonly count: number }
  | { readonly kind: 'limits' };

export type FromProductsSide =
  /** null: there is nothing to measure, because no kernels of our own are used, or none of that type. */
  | { readonly kind: 'ready'; readonly instructionSet: string | null }
  | { readonly kind: 'matrix'; readonly place: string | null }
  | ({ readonly kind: 'products' } & Times)
  | { readonly kind: 'limits'; readonly limits: ProcessorLimits | null };

class Bench {
  readonly #runtime: Runtime;
  readonly #side: Side;
  #matrix: ProductMatrix | null = null;
  #graph: { readonly graph: Graph; readonly rows: number } | null = null;

  constructor({ side, llamaLibDir, threads, kernels }: ProductsSideOptions) {
    this.#side = side;
    this.#runtime = openRuntime({ device: cpuDevice(llamaLibDir), threads, kernels, log: () => undefined });
  }

  get instructionSet(): string | null {
    const { kernels } = this.#runtime;
    return kernels.kind === 'used' ? kernels.instructionSet : null;
  }

  async perform(work: ProductsWork): Promise<FromProductsSide> {
    switch (work.kind) {
      case 'matrix':
        return { kind: 'matrix', place: await this.#open(work.shape, work.copies) };
      case 'products':
        return { kind: 'products', ...(await this.#multiply(work.rows, work.count)) };
      case 'limits':
        return { kind: 'limits', limits: await this.#limits() };
    }
  }

  async #open(shape: MatrixShape, copies: number): Promise<string | null> {
    this.#close();
    const { kernels } = this.#runtime;
    const hasKernel = kernels.kind === 'used' && kernels.types.some((type) => type === shape.type);
    if (this.#side === 'ours' && !hasKernel) return null;
    this.#matrix = await ProductMatrix.open(this.#runtime, shape, { side: this.#side, copies });
    return this.#matrix.place;
  }

  /** The first time with so many rows does it once more before, to warm up. */
  async #multiply(rows: number, count: number): Promise<Times> {
    if (this.#matrix === null) throw new TypeError('There is no matrix to multiply with.');
    if (this.#graph?.rows !== rows) {
      this.#graph?.graph.close();
      this.#graph = { graph: this.#matrix.products(rows, count), rows };
      await this.#graph.graph.compute();
    }
    const { graph } = this.#graph;
    return timesOf(() => graph.compute());
  }

  #limits(): Promise<ProcessorLimits> | null {
    const { kernels, threads } = this.#runtime;
    return kernels.kind === 'used' ? measureLimits(kernels.library, threads) : null;
  }

  #close(): void {
    this.#graph?.graph.close();
    this.#matrix?.close();
    this.#graph = null;
    this.#matrix = null;
  }
}

function serve(options: ProductsSideOptions): void {
  const bench = new Bench(options);
  const answer = (message: FromProductsSide) => process.send?.(message);
  process.on('message', (work: ProductsWork) => {
    void bench.perform(work).then(answer);
  });
  answer({ kind: 'ready', instructionSet: bench.instructionSet });
}

if (process.send !== undefined && process.argv[2] !== undefined)
  serve(JSON.parse(process.argv[2]) as ProductsSideOptions);
