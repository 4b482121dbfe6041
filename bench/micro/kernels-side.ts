// One side of the comparison of kernels: a process with a loaded model that does one piece of work when it is asked to, and answers
// with the times that it took.
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
import { timesOf, type Times } from './side.js';

export interface SideOptions {
  readonly model: string;
  readonly quantType: string;
  readonly visionQuantType: string;
  readonly repositoryPath: string;
  readonly threads: number;
  readonly kernels: KernelChoice;
  /** Another build of llama.cpp; null for npm's. */
  readonly llamaLibDir: string | null;
}

export type Work =
  /** `rows` rows of one prompt. */
  | { readonly kind: 'prefill'; readonly rows: number }
  /** `steps` steps with a row for each of `sequences` sequences, each with `behind` rows before that are not measured. */
  | {
      readonly kind: 'decode';
      readonly sequences: number;
      readonly steps: number;
      readonly behind: number;
    }
  /** One tile through the vision tower. */
  | { readonly kind: 'tile' };

export type FromSide =
  | { readonly kind: 'loaded'; readonly hasTower: boolean; readonly contextTokens: number }
  | ({ readonly kind: 'done' } & Times);

const MAX_SEQUENCES = 8;

export async function serveSide(options: SideOptions): Promise<void> {
  const { model, kernels, threads, repositoryPath, llamaLibDir } = options;
  const runtime = openRuntime({ device: cpuDevice(llamaLibDir), threads, kernels, log: () => undefined });
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
    void perform(loaded, work).then((times) => answer({ kind: 'done', ...times }));
  });
  const { contextTokens } = loaded.engine.limits;
  answer({ kind: 'loaded', hasTower: loaded.encoder !== null, contextTokens });
}

function perform(loaded: LoadedPair, work: Work): Promise<Times> {
  if (work.kind === 'tile') return timesOf(() => encodeTile(loaded));
  return work.kind === 'prefill' ? prefill(loaded, work.rows) : decode(loaded, work);
}

async function encodeTile({ encoder, description }: LoadedPair): Promise<void> {
  if (encoder === null || description.vision === null) return;
  const { sidePx } = description.vision;
  const tiles = Uint8Array.from({ length: sidePx * sidePx * 3 }, (_, i) => (i * 7919) >>> 3);
  const encoding = encoder.start({ sha256: 'bench', widthPx: sidePx, heightPx: sidePx, sidePx, tiles }, null);
  while ((await encoding.advance(Infinity)) === undefined);
}

async function prefill(loaded: LoadedPair, rowCount: number): Promise<Times> {
  begin(loaded, 0, 1);
  const times = await timesOf(() => read(loaded, 0, rowCount));
  end(loaded, 0);
  return times;
}

async function decode(
  loaded: LoadedPair,
  { sequences, steps, behind }: Extract<Work, { kind: 'decode' }>,
): Promise<Times> {
  const { engine, description } = loaded;
  const tokens = description.tokenizer.tokenCount;
  const slots = Array.from({ length: sequences }, (_, slot) => slot);
  for (const slot of slots) {
    begin(loaded, slot, steps + 1);
    if (behind > 0) await read(loaded, slot, behind);
  }
  const times = await timesOf(async () => {
    for (let position = behind; position < behind + steps; position += 1)
      await engine.step(slots.map((slot) => tokenRow(slot, position, tokens, true)));
  });
  for (const slot of slots) end(loaded, slot);
  return times;
}

function begin({ engine }: LoadedPair, slot: number, newTokens: number): void {
  engine.begin(toSlot(slot), { ...GREEDY, maxNewTokens: newTokens, minNewTokens: newTokens });
}

function end({ engine }: LoadedPair, slot: number): void {
  engine.end(toSlot(slot));
  engine.forget(toSlot(slot), 0, engine.limits.contextTokens);
}

/** A prompt of one sequence; its last row samples. */
async function read({ engine, description }: LoadedPair, slot: number, rowCount: number): Promise<void> {
  const tokens = description.tokenizer.tokenCount;
  const rows = Array.from({ length: rowCount }, (_, position) =>
    tokenRow(slot, position, tokens, position === rowCount - 1),
  );
  for (let first = 0; first < rowCount; first += engine.limits.maxRows)
    await engine.step(rows.slice(first, first + engine.limits.maxRows));
}

const tokenRow = (slot: number, position: number, tokens: number, samples: boolean): StepRow => ({
  slot: toSlot(slot),
  position,
  source: { kind: 'token', token: toTokenId(3 + ((position * 7) % (tokens - 3))) },
  samples,
});

if (process.send !== undefined && process.argv[2] !== undefined)
  await serveSide(JSON.parse(process.argv[2]) as SideOptions);
