// Single products, x[rows][k] · w[n][k]ᵀ, by llama.cpp's kernels and by ours in turns, and what the processor can do at most, measured in
// the same run. On the clock, because what counts is how well the cores are used.
import { fileURLToPath } from 'node:url';
import { physicalCores } from 'takeoff-server/native/cores.js';
import type { MatrixShape } from 'takeoff-server/native/products.js';
import type { KernelChoice } from 'takeoff-server/model/kernels.js';
import { rowBytes, type TensorType } from 'takeoff-server/model/tensor-types.js';
import { spread, type Spread } from '../statistics.js';
import type { FromProductsSide, ProductsSideOptions, ProductsWork } from './products-side.js';
import { Side } from './side.js';

const PROGRAM = fileURLToPath(new URL('./products-side.js', import.meta.url));

export const PRODUCT_TYPES = [
  'Q4_0',
  'Q4_K',
  'Q6_K',
  'Q8_0',
  'F16',
  'BF16',
  'F32',
] as const satisfies TensorType[];
export type ProductType = (typeof PRODUCT_TYPES)[number];

/** Matrices of one layer: of attention, and the two shapes of the feed-forward block. A tower always has the rows of a tile. */
const LAYERS = {
  '1b': { width: 2048, hidden: 5632, rows: [1, 8, 64, 576] },
  '7b': { width: 4096, hidden: 11_008, rows: [1, 8, 64, 576] },
  tower: { width: 1024, hidden: 4096, rows: [577] },
} as const;
export type LayerName = keyof typeof LAYERS;
export const LAYER_NAMES = Object.keys(LAYERS) as LayerName[];

/** Products of few rows read that much before a matrix comes again: no cache keeps it. */
const MEMORY_BYTES = 2 ** 28;
const FEW_ROWS = 8;
/** Work of a measurement with more rows, so that starting it does not count. */
const LEAST_OPERATIONS = 4e9;

export interface ProductsBench {
  readonly threads: number | null;
  readonly kernels: KernelChoice;
  /** Folder of another build of llama.cpp, to compare with too. */
  readonly llamaLibDir: string | null;
  readonly runs: number;
  readonly types: readonly ProductType[];
  readonly layers: readonly LayerName[];
}

export interface ProductComparison extends MatrixShape {
  readonly layer: LayerName;
  readonly rows: number;
  /** Operations per second of each side, a multiplication and an addition being two. Ours is missing where there is no kernel. */
  readonly rates: readonly { readonly side: string; readonly place: string; readonly value: Spread }[];
  /** Ours by the best other one, of medians. */
  readonly ratio: number | null;
  /** What the processor could do, by the best of several measurements: its arithmetic, or where that is less, its memory, from which few rows read each weight. */
  readonly limit: number | null;
}

export interface ProductsReport {
  readonly threads: number;
  /** Per second, of all threads; null where the processor has no instruction that kernels use. */
  readonly limits: Readonly<Record<'int8' | 'bf16' | 'f32' | 'memoryBytes', Spread | null>> | null;
  readonly products: readonly ProductComparison[];
}

interface Contender {
  readonly name: string;
  readonly isOurs: boolean;
  readonly side: Side<ProductsWork, FromProductsSide>;
}

export async function benchProducts(bench: ProductsBench): Promise<ProductsReport> {
  const threads = bench.threads ?? physicalCores();
  const contenders: Contender[] = [];
  try {
    const enter = async (name: string, options: Omit<ProductsSideOptions, 'threads'>) => {
      const { side } = await Side.start<ProductsWork, FromProductsSide>(
        PROGRAM,
        { ...options, threads },
        threads,
      );
      contenders.push({ name, isOurs: options.side === 'ours', side });
    };
    await enter('llama.cpp', { side: 'llama.cpp', llamaLibDir: null, kernels: 'off' });
    if (bench.llamaLibDir !== null)
      await enter('other build', { side: 'llama.cpp', llamaLibDir: bench.llamaLibDir, kernels: 'off' });
    await enter('ours', { side: 'ours', llamaLibDir: null, kernels: bench.kernels });
    const limits = await limitsOf(contenders);
    const products: ProductComparison[] = [];
    for (const layer of bench.layers)
      for (const type of bench.types)
        for (const shape of matricesOf(layer, type))
          products.push(...(await compareShape(contenders, layer, shape, { limits, runs: bench.runs })));
    return { threads, limits, products };
  } finally {
    for (const { side } of contenders) side.stop();
  }
}

function matricesOf(layer: LayerName, type: ProductType): MatrixShape[] {
  const { width, hidden } = LAYERS[layer];
  return [
    { type, columns: width, depth: width },
    { type, columns: hidden, depth: width },
    { type, columns: width, depth: hidden },
  ];
}

async function limitsOf(contenders: readonly Contender[]): Promise<ProductsReport['limits']> {
  const answer = await contenders.at(-1)?.side.perform({ kind: 'limits' });
  if (answer?.kind !== 'limits' || answer.limits === null) return null;
  const { operations, memoryRead } = answer.limits;
  const spreadOf = (rates: readonly number[] | null) => (rates === null ? null : spread(rates));
  return {
    int8: spreadOf(operations.int8),
    bf16: spreadOf(operations.bf16),
    f32: spreadOf(operations.f32),
    memoryBytes: spread(memoryRead),
  };
}

async function compareShape(
  contenders: readonly Contender[],
  layer: LayerName,
  shape: MatrixShape,
  { limits, runs }: { readonly limits: ProductsReport['limits']; readonly runs: number },
): Promise<ProductComparison[]> {
  const { columns, depth } = shape;
  const { rows: rowCounts } = LAYERS[layer];
  const isRead = rowCounts.some((rows) => rows <= FEW_ROWS);
  const copies = isRead ? Math.ceil(MEMORY_BYTES / matrixBytes(shape)) : 1;
  const placed: (Contender & { readonly place: string })[] = [];
  for (const contender of contenders) {
    const answer = await contender.side.perform({ kind: 'matrix', shape, copies });
    if (answer.kind === 'matrix' && answer.place !== null) placed.push({ ...contender, place: answer.place });
  }
  const comparisons: ProductComparison[] = [];
  for (const rows of rowCounts) {
    const operations = 2 * rows * columns * depth;
    const count = rows <= FEW_ROWS ? copies : Math.ceil(LEAST_OPERATIONS / operations);
    const rates = await ratesOf(placed, { rows, count, runs, operations });
    comparisons.push({
      ...shape,
      layer,
      rows,
      rates,
      ratio: ratioOf(placed, rates),
      limit: limits === null ? null : limitOf(shape, rows, limits),
    });
  }
  return comparisons;
}

async function ratesOf(
  placed: readonly (Contender & { readonly place: string })[],
  work: { readonly rows: number; readonly count: number; readonly runs: number; readonly operations: number },
): Promise<ProductComparison['rates']> {
  const { rows, count, runs, operations } = work;
  const samples = placed.map((): number[] => []);
  for (let run = 0; run < runs; run += 1)
    for (const [index, { side }] of placed.entries()) {
      const answer = await side.perform({ kind: 'products', rows, count });
      if (answer.kind === 'products') samples[index]?.push((operations * count * 1000) / answer.wallMs);
    }
  return placed.map(({ name, place }, index) => ({ side: name, place, value: spread(samples[index] ?? []) }));
}

function ratioOf(placed: readonly Contender[], rates: ProductComparison['rates']): number | null {
  const medians = (isOurs: boolean) =>
    rates.filter((_, index) => placed[index]?.isOurs === isOurs).map(({ value }) => value.median);
  const [ours] = medians(true);
  return ours === undefined ? null : ours / Math.max(...medians(false));
}

function limitOf(shape: MatrixShape, rows: number, limits: NonNullable<ProductsReport['limits']>) {
  const { int8, bf16, f32, memoryBytes } = limits;
  const { type, columns, depth } = shape;
  const arithmetic =
    type === 'F32' || type === 'F16'
      ? f32?.max
      : type === 'BF16'
        ? Math.max(bf16?.max ?? 0, f32?.max ?? 0)
        : int8?.max;
  const perByte = (2 * rows * columns * depth) / matrixBytes(shape);
  return Math.min(arithmetic ?? Infinity, (memoryBytes?.max ?? Infinity) * perByte);
}

const matrixBytes = ({ type, columns, depth }: MatrixShape): number =>
  (rowBytes(type, depth) ?? NaN) * columns;
