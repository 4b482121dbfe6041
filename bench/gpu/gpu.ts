// `npm run bench -- gpu`: what a GPU does with a model in the shape of a 7 B LLaVA whose weights it writes itself, in f16 and q4_0.
// Decode is told as a share of what the memory of the device allows: each step reads every weight once.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GREEDY } from 'takeoff-server/link/requests/greedy.js';
import { ensureGgufPair } from 'takeoff-server/checkpoint/cache/model-cache.js';
import { openGgufPair } from 'takeoff-server/checkpoint/pair/open-pair.js';
import type { Device } from 'takeoff-server/model/device.js';
import { gpuPackagesFolder } from 'takeoff-server/model/gpu-folders.js';
import { describeChoice } from 'takeoff-server/native/gpu/choose-device.js';
import { findDevice } from 'takeoff-server/native/gpu/find-device.js';
import { GraphBuilder } from 'takeoff-server/native/graph.js';
import { openRuntime, type Runtime } from 'takeoff-server/native/runtime.js';
import { createTensorCodec } from 'takeoff-server/native/tensor-codec.js';
import type { StepRow } from 'takeoff-server/reader/engine/engine.js';
import { toSlot, toTokenId } from 'takeoff-server/reader/ids.js';
import { loadPair, type LoadedPair } from 'takeoff-server/reader/load/load-pair.js';
import { warmUp } from 'takeoff-server/reader/load/warm-up.js';
import type { Measurement } from '../report.js';
import { spread, timeRuns } from '../statistics.js';
import { benchOverHttp } from './over-http.js';
import { SHAPES, writeSyntheticPair, type ShapeName } from './synthetic-pair.js';

export interface GpuBench {
  /** Checkpoint that the vocabulary is taken from. */
  readonly model: string;
  readonly shape: ShapeName;
  readonly device: Device;
  readonly llamaLibDir: string | null;
  /** Model cache, beside which packages of `takeoff gpu install` lie. */
  readonly repositoryPath: string;
  readonly runs: number;
  readonly newTokens: number;
  /** llama-bench of llama.cpp, to run on the same file; null leaves it out. */
  readonly llamaBench: string | null;
}

const TYPES = ['F16', 'Q4_0'] as const;
const SEQUENCES = [1, 8, 32];
const PROMPT_ROWS = 512;
/** Over HTTP, by the names of `bench serve`. */
const ONE_TILE = ['one-client', '8-images', 'stream-beside-image'];
const FIVE_TILES = ['stream-beside-tiles'];
/** Elements of the copies that the memory is measured with: 256 MiB, or a small share of a small device. */
const COPY_ELEMENTS = 64 * 2 ** 20;
const COPIES = 8;

export async function benchGpu(bench: GpuBench): Promise<Measurement[]> {
  const shape = SHAPES[bench.shape];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-bench-gpu-'));
  const gpuFolder = gpuPackagesFolder(bench.repositoryPath);
  const device = await findDevice(bench.device, { libDir: bench.llamaLibDir, gpuFolder });
  process.stderr.write(`${describeChoice(device)}\n`);
  const runtime = openRuntime({ device, threads: 1, kernels: 'off', log: () => undefined });
  try {
    const real = await ensureGgufPair({
      source: bench.model,
      repositoryPath: folder,
      textType: 'f16',
      towerType: 'f16',
      codec: createTensorCodec(runtime),
    });
    const bytesPerSecond = await copyBandwidth(runtime);
    const measurements: Measurement[] = [
      { name: 'memory, copied', unit: 'GB/s', value: spread([bytesPerSecond / 1e9]) },
    ];
    for (const type of TYPES) {
      const pair = path.join(folder, type);
      const paths = await writeSyntheticPair(pair, real, { shape, type, isAnyres: false });
      measurements.push(...(await benchPair(runtime, { ...bench, paths, type, bytesPerSecond })));
      if (bench.llamaBench !== null) runLlamaBench(bench.llamaBench, paths.modelPath);
      measurements.push(...(await benchOverHttp({ ...bench, paths, type, scenarios: ONE_TILE })));
      const tiles = await writeSyntheticPair(pair, real, { shape, type, isAnyres: true });
      measurements.push(...(await benchOverHttp({ ...bench, paths: tiles, type, scenarios: FIVE_TILES })));
      rmSync(pair, { recursive: true });
    }
    return measurements;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes read and written in a second, by copies that are multiplied with one. */
async function copyBandwidth(runtime: Runtime): Promise<number> {
  const [gpu] = runtime.gpus;
  const elements = Math.min(COPY_ELEMENTS, Math.floor((gpu?.totalBytes ?? 2 ** 30) / 512));
  const g = new GraphBuilder(runtime);
  const input = g.input('F32', [elements]);
  let copy = input;
  for (let index = 0; index < COPIES; index += 1) copy = g.scale(copy, 1);
  const graph = g.finish([[copy]], [copy]);
  graph.set(input, new Float32Array(elements));
  const times = await timeRuns(5, () => graph.compute());
  graph.close();
  return (COPIES * 2 * elements * 4 * 1000) / Math.min(...times);
}

interface PairBench extends GpuBench {
  readonly paths: Awaited<ReturnType<typeof writeSyntheticPair>>;
  readonly type: string;
  readonly bytesPerSecond: number;
}

async function benchPair(runtime: Runtime, bench: PairBench): Promise<Measurement[]> {
  const startMs = performance.now();
  const pair = await openGgufPair(bench.paths.modelPath, bench.paths.projectorPath);
  const loaded = await loadPair(runtime, pair, {
    maxSequenceLength: 0,
    maxSequences: Math.max(...SEQUENCES),
    pageCacheSize: null,
    threads: 1,
    isExact: false,
    onPlaced: (explanation) => process.stderr.write(`${explanation}\n`),
  });
  await pair.close();
  const loadMs = performance.now() - startMs;
  // Compiles what the measurements use; rows of every small number only where they are cheap to compile.
  await warmUp({
    ...loaded,
    prefillChunkRows: PROMPT_ROWS,
    onProgress: () => undefined,
    clock: () => performance.now(),
  });
  const warmMs = performance.now() - startMs - loadMs;
  const named = (name: string, unit: string, values: readonly number[]): Measurement => ({
    name: `${bench.type}: ${name}`,
    unit,
    value: spread(values),
  });
  const measurements = [named('load', 'ms', [loadMs]), named('warm up', 'ms', [warmMs])];
  for (const tiles of [1, 5]) {
    const times = await timeRuns(bench.runs, () => encodeTiles(loaded, tiles));
    measurements.push(named(`encode, ${tiles} tile${tiles === 1 ? '' : 's'}`, 'ms', times));
  }
  const prefill = await timeRuns(bench.runs, () => prefillOnce(loaded));
  measurements.push(
    named(
      `prefill, ${PROMPT_ROWS} tokens`,
      'tokens/s',
      prefill.map((ms) => (PROMPT_ROWS * 1000) / ms),
    ),
  );
  for (const sequences of SEQUENCES) {
    const times = await timeRuns(bench.runs, () => decode(loaded, sequences, bench.newTokens));
    const stepMs = times.map((ms) => ms / bench.newTokens);
    measurements.push(
      named(
        `decode, ${sequences} at once`,
        'tokens/s',
        stepMs.map((ms) => (sequences * 1000) / ms),
      ),
    );
    if (sequences > 1) continue;
    const limitMs = (loaded.model.weightBytes * 1000) / bench.bytesPerSecond;
    measurements.push(
      named(
        'decode, share of the memory limit',
        '%',
        stepMs.map((ms) => (limitMs * 100) / ms),
      ),
    );
  }
  loaded.encoder?.close();
  loaded.engine.close();
  return measurements;
}

/** Tiles of one picture for a model that sees four and an overview, or of one for a model that sees one. */
async function encodeTiles({ encoder, description }: LoadedPair, tiles: number): Promise<void> {
  const { vision } = description;
  if (encoder === null || vision === null) throw new TypeError('The model has no tower.');
  await encoder.encodeTiles(new Uint8Array(tiles * vision.sidePx ** 2 * 3));
}

async function prefillOnce({ engine }: LoadedPair): Promise<void> {
  const slot = toSlot(0);
  const rows: StepRow[] = Array.from({ length: PROMPT_ROWS }, (_, position) => ({
    slot,
    position,
    source: { kind: 'token', token: toTokenId(3) },
    samples: position === PROMPT_ROWS - 1,
  }));
  engine.begin(slot, { ...GREEDY, maxNewTokens: 1, minNewTokens: 0 });
  await engine.step(rows);
  engine.end(slot);
  engine.forget(slot, 0, PROMPT_ROWS);
}

async function decode({ engine }: LoadedPair, sequences: number, newTokens: number): Promise<void> {
  const slots = Array.from({ length: sequences }, (_, index) => toSlot(index));
  for (const slot of slots)
    engine.begin(slot, { ...GREEDY, maxNewTokens: newTokens, minNewTokens: newTokens });
  for (let position = 0; position < newTokens; position += 1)
    await engine.step(
      slots.map((slot) => ({
        slot,
        position,
        source: { kind: 'token', token: toTokenId(3) },
        samples: true,
      })),
    );
  for (const slot of slots) {
    engine.end(slot);
    engine.forget(slot, 0, newTokens);
  }
}

/** Prints llama.cpp's own figures for the same file. */
function runLlamaBench(program: string, modelPath: string): void {
  const args = ['-m', modelPath, '-p', String(PROMPT_ROWS), '-n', '64', '-ngl', '99'];
  process.stdout.write(execFileSync(program, args, { encoding: 'utf8' }));
}
