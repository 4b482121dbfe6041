// One side of the comparison of kernels: a process with a loaded model that does one piece of work when it is asked to, and answers
// with the CPU time that it took. kernels.ts starts two of them, because a process has one native runtime.
import { GREEDY } from 'takeoff-server/link/requests/greedy.js';
import { createTensorCodec } from 'takeoff-server/native/tensor-codec.js';
import { ensureGgufPair } from 'takeoff-server/checkpoint/cache/model-cache.js';
import { openGgufPair } from 'takeoff-server/checkpoint/pair/open-pair.js';
import type { KernelChoice } from 'takeoff-server/model/kernels.js';
import { parseTextQuant, parseTowerQuant } from 'takeoff-server/model/quantisation.js';
import { cpuDevice } from 'takeoff-server/native/gpu/find-device.js';
import { openRuntime } from 'takeoff-server/native/runtime.js';
import type { StepRow } from 'takeoff-server/reader/engine/engine.js';
import { toSlot, toTokenId } from 'takeoff-server/reader/ids.js';
import { loadPair, type LoadedPair } from 'takeoff-server/reader/load/load-pair.js';

export interface SideOptions {
  readonly model: string;
  readonly quantType: string;
  readonly visionQuantType: string;
  readonly repositoryPath: string;
  readonly threads: number;
  readonly kernels: KernelChoice;
}

export type Work =
  /** `rows` rows of one prompt. */
  | { readonly kind: 'prefill'; readonly rows: number }
  /** `steps` steps with a row for each of `sequences` sequences. */
  | { readonly kind: 'decode'; readonly sequences: number; readonly steps: number }
  /** One tile through the vision tower. */
  | { readonly kind: 'tile' };

export type FromSide =
  { readonly kind: 'loaded'; readonly hasTower: boolean } | { readonly kind: 'done'; readonly cpuMs: number };

const MAX_SEQUENCES = 8;

export async function serveSide(options: SideOptions): Promise<void> {
  const { model, kernels, threads, repositoryPath } = options;
  const runtime = openRuntime({ device: cpuDevice(null), threads, kernels, log: () => undefined });
  const paths = await ensureGgufPair({
    source: model,
    repositoryPath,
    textType: parseTextQuant(options.quantType),
    towerType: parseTowerQuant(options.visionQuantType),
    codec: createTensorCodec(runtime),
  });
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  const loaded = await loadPair(runtime, pair, {
    maxSequenceLength: 0,
    maxSequences: MAX_SEQUENCES,
    pageCacheSize: null,
    threads,
    isExact: false,
  });
  await pair.close();
  const answer = (message: FromSide) => process.send?.(message);
  process.on('message', (work: Work) => {
    void cpuTimeOf(() => perform(loaded, work)).then((cpuMs) => answer({ kind: 'done', cpuMs }));
  });
  answer({ kind: 'loaded', hasTower: loaded.encoder !== null });
}

async function cpuTimeOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function perform(loaded: LoadedPair, work: Work): Promise<void> {
  if (work.kind === 'tile') await encodeTile(loaded);
  else if (work.kind === 'prefill') await prefill(loaded, work.rows);
  else await decode(loaded, work.sequences, work.steps);
}

async function encodeTile({ encoder, description }: LoadedPair): Promise<void> {
  if (encoder === null || description.vision === null) return;
  const { sidePx } = description.vision;
  const tiles = Uint8Array.from({ length: sidePx * sidePx * 3 }, (_, i) => (i * 7919) >>> 3);
  const encoding = encoder.start({ sha256: 'bench', widthPx: sidePx, heightPx: sidePx, sidePx, tiles }, null);
  while ((await encoding.advance(Infinity)) === undefined);
}

async function prefill({ engine, description }: LoadedPair, rowCount: number): Promise<void> {
  engine.begin(toSlot(0), { ...GREEDY, maxNewTokens: 1, minNewTokens: 1 });
  const tokens = description.tokenizer.tokenCount;
  const rows = Array.from({ length: rowCount }, (_, position) =>
    tokenRow(0, position, tokens, position === rowCount - 1),
  );
  for (let first = 0; first < rowCount; first += engine.limits.maxRows)
    await engine.step(rows.slice(first, first + engine.limits.maxRows));
  engine.end(toSlot(0));
  engine.forget(toSlot(0), 0, engine.limits.contextTokens);
}

async function decode({ engine, description }: LoadedPair, sequences: number, steps: number): Promise<void> {
  const slots = Array.from({ length: sequences }, (_, slot) => slot);
  const tokens = description.tokenizer.tokenCount;
  for (const slot of slots)
    engine.begin(toSlot(slot), { ...GREEDY, maxNewTokens: steps, minNewTokens: steps });
  for (let position = 0; position < steps; position += 1)
    await engine.step(slots.map((slot) => tokenRow(slot, position, tokens, true)));
  for (const slot of slots) {
    engine.end(toSlot(slot));
    engine.forget(toSlot(slot), 0, engine.limits.contextTokens);
  }
}

const tokenRow = (slot: number, position: number, tokens: number, samples: boolean): StepRow => ({
  slot: toSlot(slot),
  position,
  source: { kind: 'token', token: toTokenId(3 + ((position * 7) % (tokens - 3))) },
  samples,
});

if (process.send !== undefined && process.argv[2] !== undefined)
  await serveSide(JSON.parse(process.argv[2]) as SideOptions);
