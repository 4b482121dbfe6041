// The inference path without HTTP and without decoding: preprocessing a bitmap, encoding its tiles, prefill and decode.
import { rmSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GREEDY } from 'takeoff-server/link/requests/greedy.js';
import { createTensorCodec } from 'takeoff-server/native/tensor-codec.js';
import { ensureGgufPair } from 'takeoff-server/checkpoint/cache/model-cache.js';
import { openGgufPair } from 'takeoff-server/checkpoint/pair/open-pair.js';
import type { VisionSettings } from 'takeoff-server/model/description.js';
import { parseTextQuant, parseTowerQuant } from 'takeoff-server/model/quantisation.js';
import type { KernelChoice } from 'takeoff-server/model/kernels.js';
import { physicalCores } from 'takeoff-server/native/cores.js';
import { cpuDevice } from 'takeoff-server/native/gpu/find-device.js';
import { openRuntime } from 'takeoff-server/native/runtime.js';
import { preprocess } from 'takeoff-server/image/preprocess.js';
import { loadPair, type LoadedPair } from 'takeoff-server/reader/load/load-pair.js';
import type { StepRow } from 'takeoff-server/reader/engine/engine.js';
import { toSlot, toTokenId } from 'takeoff-server/reader/ids.js';
import { benchConstraint } from './constraint.js';
import { decode } from './decode.js';
import type { ImageEncoder } from 'takeoff-server/reader/vision/image-encoder.js';
import type { Measurement } from '../report.js';
import { spread, timeRuns } from '../statistics.js';

export interface EngineBench {
  readonly model: string;
  readonly quantType: string;
  readonly visionQuantType: string;
  readonly repositoryPath: string | null;
  readonly runs: number;
  /** Prompt rows of the prefill measurement; the model's context is the limit. */
  readonly promptRows: number;
  readonly newTokens: number;
  readonly threads: number | null;
  readonly llamaLibDir: string | null;
  readonly kernels: KernelChoice;
}

const SLOT = toSlot(0);
/** Fewer than any tower makes of a tile. */
const KEPT_ROWS = 32;

export async function benchEngine(bench: EngineBench): Promise<Measurement[]> {
  const repositoryPath = bench.repositoryPath ?? mkdtempSync(path.join(os.tmpdir(), 'takeoff-bench-'));
  const runtime = openRuntime({
    device: cpuDevice(bench.llamaLibDir),
    threads: bench.threads ?? physicalCores(),
    kernels: bench.kernels,
    log: () => undefined,
  });
  try {
    const paths = await ensureGgufPair({
      source: bench.model,
      repositoryPath,
      textType: parseTextQuant(bench.quantType),
      towerType: parseTowerQuant(bench.visionQuantType),
      codec: createTensorCodec(runtime),
    });
    const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
    const loaded = await loadPair(runtime, pair, {
      maxSequenceLength: 0,
      maxSequences: 4,
      pageCacheSize: null,
      threads: bench.threads,
      isExact: false,
    });
    await pair.close();
    const measurements = [
      ...(loaded.description.vision === null || loaded.encoder === null
        ? []
        : await benchImage(loaded.encoder, loaded.description.vision, bench.runs)),
      ...(await benchText(loaded, bench)),
    ];
    loaded.encoder?.close();
    loaded.engine.close();
    return measurements;
  } finally {
    if (bench.repositoryPath === null) rmSync(repositoryPath, { recursive: true });
  }
}

async function benchImage(
  encoder: ImageEncoder,
  vision: VisionSettings,
  runs: number,
): Promise<Measurement[]> {
  const bitmap = { widthPx: 1920, heightPx: 1080, pixels: noise(1920 * 1080 * 3) };
  const tiles = preprocess(bitmap, vision);
  const image = { sha256: 'bench', widthPx: 1920, heightPx: 1080, sidePx: vision.sidePx, tiles };
  const tileCount = tiles.length / (vision.sidePx ** 2 * 3);
  const preprocessing = await timeRuns(runs, () => preprocess(bitmap, vision));
  const encode = (keptRows: number | null) =>
    timeRuns(runs, async () => {
      const work = encoder.start(image, keptRows);
      while ((await work.advance(Infinity)) === undefined);
    });
  const encoding = await encode(null);
  const reduced = await encode(tileCount * KEPT_ROWS);
  return [
    { name: 'preprocess 1920×1080', unit: 'ms', value: spread(preprocessing) },
    {
      name: `vision encode, per tile (${tileCount} tiles)`,
      unit: 'ms',
      value: spread(encoding.map((ms) => ms / tileCount)),
    },
    {
      name: `vision encode, ${KEPT_ROWS} rows kept, per tile`,
      unit: 'ms',
      value: spread(reduced.map((ms) => ms / tileCount)),
    },
  ];
}

async function benchText(loaded: LoadedPair, bench: EngineBench): Promise<Measurement[]> {
  const { engine, description } = loaded;
  const promptRows = Math.min(bench.promptRows, engine.limits.contextTokens - 1);
  const newTokens = Math.min(bench.newTokens, engine.limits.contextTokens - 1);
  const begin = () => engine.begin(SLOT, { ...GREEDY, maxNewTokens: newTokens, minNewTokens: newTokens });
  const rows: StepRow[] = Array.from({ length: promptRows }, (_, position) => ({
    slot: SLOT,
    position,
    source: {
      kind: 'token',
      token: toTokenId(3 + ((position * 7) % (description.tokenizer.tokenCount - 3))),
    },
    samples: position === promptRows - 1,
  }));
  const prefill = await timeRuns(bench.runs, async () => {
    begin();
    for (let first = 0; first < rows.length; first += engine.limits.maxRows) {
      await engine.step(rows.slice(first, first + engine.limits.maxRows));
    }
    engine.end(SLOT);
    engine.forget(SLOT, 0, engine.limits.contextTokens);
  });
  const decoding = await timeRuns(bench.runs, () => decode(engine, newTokens));
  return [
    {
      name: `prefill, ${promptRows} tokens`,
      unit: 'tokens/s',
      value: spread(prefill.map((ms) => (promptRows * 1000) / ms)),
    },
    {
      name: `decode, ${newTokens} tokens`,
      unit: 'tokens/s',
      value: spread(decoding.map((ms) => (newTokens * 1000) / ms)),
    },
    ...(await benchConstraint(loaded, bench.runs, newTokens)),
  ];
}

function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
