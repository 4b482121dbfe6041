// What the processor can do at most, whatever a kernel is like: multiply-adds on registers alone, and reading memory.
import { onWorker } from '../symbols/bind.js';
import type { KernelLibrary } from './kernel-library.js';

/** enum tk_limit of kernels/src/limits.h */
const LIMITS = { int8: 0, bf16: 1, f32: 2 } as const;

/** Of all threads at once, each measured several times. A multiplication and an addition are two operations. */
export interface ProcessorLimits {
  /** Operations per second of each kind of number; null where this processor has no instruction that kernels use. */
  readonly operations: Readonly<Record<keyof typeof LIMITS, readonly number[] | null>>;
  /** Bytes per second. */
  readonly memoryRead: readonly number[];
}

const TIMES = 5;
const TRIAL_ROUNDS = 1_000_000;
const MEASURED_MS = 100;
/** Large beside any cache. */
const READ_BYTES = 1 << 29;

/** Two seconds. libuv must have that many threads (UV_THREADPOOL_SIZE). */
export async function measureLimits(library: KernelLibrary, threads: number): Promise<ProcessorLimits> {
  return {
    operations: {
      int8: await operationRates(library, LIMITS.int8, threads),
      bf16: await operationRates(library, LIMITS.bf16, threads),
      f32: await operationRates(library, LIMITS.f32, threads),
    },
    memoryRead: await readRates(library, threads),
  };
}

async function operationRates(library: KernelLibrary, limit: number, threads: number) {
  const run = (rounds: number) => rateOf(threads, () => onWorker(library.limit, limit, rounds));
  const trial = await run(TRIAL_ROUNDS);
  if (trial.sum === 0) return null;
  const rounds = Math.ceil((TRIAL_ROUNDS * MEASURED_MS) / trial.ms);
  const rates: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const { sum, ms } = await run(rounds);
    rates.push((sum / ms) * 1000);
  }
  return rates;
}

async function readRates(library: KernelLibrary, threads: number) {
  const memory = new Uint8Array(READ_BYTES).fill(1);
  const part = Math.floor(READ_BYTES / threads / 64) * 64;
  const rates: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const { ms } = await rateOf(threads, async (thread) => {
      await onWorker(library.read, memory.subarray(thread * part, (thread + 1) * part), part);
      return part;
    });
    rates.push(((part * threads) / ms) * 1000);
  }
  return rates;
}

/** What all threads did, and the time until the last had done it. */
async function rateOf(threads: number, work: (thread: number) => Promise<number>) {
  const start = performance.now();
  const done = await Promise.all(Array.from({ length: threads }, (_, thread) => work(thread)));
  return { sum: done.reduce((sum, one) => sum + one, 0), ms: performance.now() - start };
}
