// What our own kernels gain on this machine: one product, by them and by llama.cpp's own, in turns for a second.
import type { Graph } from '../graph.js';
import { ProductMatrix, type MatrixShape, type Side } from '../products.js';
import type { Runtime } from '../runtime.js';

/** Operations per second, a multiplication and an addition being two; the best of several times. */
export interface KernelGain {
  readonly ours: number;
  readonly llamaCpp: number;
}

/** The feed-forward block of a small language model, and a part of a prompt. */
const MATRIX: MatrixShape = { type: 'Q4_0', columns: 5632, depth: 2048 };
const ROWS = 128;
const SECOND_MS = 1000;

interface Contender {
  readonly matrix: ProductMatrix;
  readonly graph: Graph;
  shortestMs: number;
}

/** @returns null when llama.cpp's kernels compute q4_0 here */
export async function measureGain(runtime: Runtime): Promise<KernelGain | null> {
  const { kernels } = runtime;
  if (kernels.kind === 'unused' || !kernels.types.includes('Q4_0')) return null;
  const ours = await enter(runtime, 'ours');
  const llamaCpp = await enter(runtime, 'llama.cpp');
  const start = performance.now();
  do {
    for (const one of [ours, llamaCpp]) {
      const before = performance.now();
      await one.graph.compute();
      one.shortestMs = Math.min(one.shortestMs, performance.now() - before);
    }
  } while (performance.now() - start < SECOND_MS);
  for (const { graph, matrix } of [ours, llamaCpp]) {
    graph.close();
    matrix.close();
  }
  return { ours: rateOf(ours), llamaCpp: rateOf(llamaCpp) };
}

async function enter(runtime: Runtime, side: Side): Promise<Contender> {
  const matrix = await ProductMatrix.open(runtime, MATRIX, { side, copies: 1 });
  return { matrix, graph: matrix.products(ROWS, 1), shortestMs: Infinity };
}

const rateOf = ({ shortestMs }: Contender): number =>
  (2 * MATRIX.columns * MATRIX.depth * ROWS * 1000) / shortestMs;

/** Part of a line of `takeoff doctor`. */
export function describeGain({ ours, llamaCpp }: KernelGain): string {
  const [our, their] = [ours, llamaCpp].map((rate) => Math.round(rate / 1e9).toLocaleString('en'));
  return `${(ours / llamaCpp).toFixed(1)} times llama.cpp's own on a product of Q4_0 (${our} against ${their} GOP/s)`;
}
