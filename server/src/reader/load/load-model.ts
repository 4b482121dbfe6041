// From the settings of a reader to a model that answers: converts the checkpoint where the cache has no pair of it yet, then
// loads the pair. Reports what it is doing, because the first start of a large model takes minutes.
import { mkdirSync } from 'node:fs';
import { ensureGgufAdapter } from '../../checkpoint/cache/adapter-cache.js';
import { ensureGgufPair, type CacheEvent } from '../../checkpoint/cache/model-cache.js';
import type { HubEvent } from '../../checkpoint/hub/hub-event.js';
import { Hub } from '../../checkpoint/hub/hub.js';
import { modelWeights } from '../../checkpoint/pair/model-weights.js';
import { openGgufPair, type GgufPair } from '../../checkpoint/pair/open-pair.js';
import type { ReaderStart } from '../../link/lifecycle/messages.js';
import { ConfigError, Defect } from '../../errors.js';
import type { FromReader } from '../../link/messages.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import type { ModelDescription } from '../../model/description.js';
import { gpuPackagesFolder, shaderCacheFolder } from '../../model/gpu-folders.js';
import { physicalCores } from '../../native/cores.js';
import { describeChoice, type ChosenDevice } from '../../native/gpu/choose-device.js';
import { findDevice } from '../../native/gpu/find-device.js';
import { describeKernels } from '../../native/kernels/kernels.js';
import { openRuntime, type Runtime } from '../../native/runtime.js';
import { createTensorCodec } from '../../native/tensor-codec.js';
import { firstAdapterId } from '../adapters/adapter-shelf.js';
import type { AdapterMemory, LanguageEngine } from '../engine/engine.js';
import type { ConversationTemplate } from '../prompt/conversation-template.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import type { ImageEncoder } from '../vision/image-encoder.js';
import { createEchoModel } from './echo-model.js';
import { loadPair, type LoadedPair } from './load-pair.js';
import { readModelConfig } from './model-config.js';
import { warmUp } from './warm-up.js';
import { serveTemplate, type ServedTemplate } from './served-template.js';

export interface ServedModel {
  readonly engine: LanguageEngine & AdapterMemory;
  /** Makes a folder of PEFT, a GGUF file or a hub id into a file that the engine loads. @throws CheckpointError, FetchError */
  readonly prepareAdapter: (source: string) => Promise<string>;
  /** Null for a model that takes no images. */
  readonly encoder: ImageEncoder | null;
  readonly tokenizer: Tokenizer;
  readonly description: ModelDescription;
  readonly template: ConversationTemplate;
  /** Null for an echo, which computes on none. */
  readonly device: ChosenDevice | null;
  /** Prompt rows of a step at most: as set, or fewer on a slow GPU. */
  readonly prefillChunkRows: number;
  /** The config.json that came with the model; null where none did. */
  readonly modelConfig: string | null;
}

type Report = (message: FromReader) => void;

/** @throws CheckpointError, ConfigError, NativeError */
export async function loadModel(
  start: ReaderStart,
  secrets: ReaderSecrets,
  report: Report,
): Promise<ServedModel> {
  const model = start.echo ? echo(start, report) : await loadReal(start, secrets, report);
  validateImageBudget(start, model);
  return model;
}

/** @throws ConfigError where every image that has more tokens than allowed would be refused */
function validateImageBudget({ imageTokenBudget }: ReaderStart, { encoder }: ServedModel): void {
  if (imageTokenBudget === 'full' || encoder?.canReduce !== false) return;
  throw new ConfigError(
    `image_token_budget is ${imageTokenBudget}, but no layer of this model's vision tower runs, so no class token tells which tokens of an image to keep. Set it to full.`,
  );
}

/** As many as llama.cpp tells apart. */
const ECHO_SLOTS = 256;

function echo(start: ReaderStart, report: Report): ServedModel {
  const contextTokens = start.maxSequenceLength === 0 ? 1 << 18 : start.maxSequenceLength;
  const maxSequences = start.maxBatchSize;
  const limits = {
    contextTokens,
    cells: contextTokens,
    maxSequences,
    slots: Math.max(ECHO_SLOTS, maxSequences),
    maxRows: 512,
    rowGroup: 1,
  };
  const model = createEchoModel(limits);
  const { template } = chooseTemplate(start, model.description, report);
  const prepareAdapter = (source: string): Promise<string> => Promise.resolve(source);
  const prefillChunkRows = start.prefillChunkSize;
  return { ...model, template, prepareAdapter, device: null, prefillChunkRows, modelConfig: null };
}

/** The template, and a line in the log about which it is and why. */
function chooseTemplate(start: ReaderStart, description: ModelDescription, report: Report): ServedTemplate {
  const served = serveTemplate(start.chatTemplate, description);
  report({ kind: 'log', level: 'info', message: served.conclusion });
  if (served.warning !== null) report({ kind: 'log', level: 'warn', message: served.warning });
  return served;
}

async function loadReal(start: ReaderStart, secrets: ReaderSecrets, report: Report): Promise<ServedModel> {
  const device = await chooseDevice(start, report);
  const runtime = openRuntime({
    device,
    gpuCount: start.tensorParallel,
    threads: start.threads === 0 ? physicalCores() : start.threads,
    kernels: start.kernels,
    // llama.cpp's info lines are for its developers; warnings and errors are for operators.
    log: (level, line) =>
      report({
        kind: 'log',
        level: level === 'info' || isExpected(line) ? 'debug' : level,
        message: `llama.cpp: ${line}`,
      }),
  });
  report({ kind: 'log', level: 'info', message: `kernels: ${describeKernels(runtime.kernels)}` });
  const hub = hubOf(start, secrets, report);
  const paths = await ensurePair(start, hub, runtime, report);
  report({ kind: 'loading', stage: 'loading the model', fraction: null });
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  try {
    for (const message of pair.warnings) report({ kind: 'log', level: 'warn', message });
    for (const message of pair.conclusions) report({ kind: 'log', level: 'info', message });
    const { template, description } = chooseTemplate(start, pair.description, report);
    const prepareAdapter = adapterPreparer({ start, hub, runtime, report }, pair);
    const loaded = await loadPair(
      runtime,
      { ...pair, description },
      {
        maxSequenceLength: start.maxSequenceLength,
        maxSequences: start.maxBatchSize,
        pageCacheSize: start.pageCacheSize,
        threads: start.threads === 0 ? null : start.threads,
        isExact: start.quantType === 'f32',
        adapters: await prepareAll(start, prepareAdapter, report),
        cacheBits: start.quantizeCacheBits,
        gpuLayers: start.gpuLayers,
        kvHalvings: start.kvHalvings,
        onPlaced: (message) => report({ kind: 'log', level: 'info', message }),
      },
    );
    const prefillChunkRows =
      device.kind === 'gpu' ? await warm({ ...loaded, description }, start, report) : start.prefillChunkSize;
    return { ...loaded, template, device, prefillChunkRows, prepareAdapter, modelConfig: paths.modelConfig };
  } finally {
    await pair.close();
  }
}

/** Prompt rows of a step at most, and a line in the log where the device is too slow for as many as are set. */
async function warm(model: LoadedPair, { prefillChunkSize }: ReaderStart, report: Report): Promise<number> {
  const rows = await warmUp({
    ...model,
    prefillChunkRows: prefillChunkSize,
    onProgress: (fraction) => report({ kind: 'loading', stage: 'warming up', fraction }),
    clock: () => performance.now(),
  });
  const message = `prompts go on by ${rows} tokens a step and not by ${prefillChunkSize} (prefill_chunk_size): this device computes no more of them in two seconds`;
  if (rows < prefillChunkSize) report({ kind: 'log', level: 'info', message });
  return rows;
}

/** The device, and a line in the log about which it is and why. */
async function chooseDevice(start: ReaderStart, report: Report): Promise<ChosenDevice> {
  if (start.device === 'api') throw new Defect('A reader of a cluster was asked to load a model.');
  const gpuFolder = gpuPackagesFolder(start.repositoryPath);
  const chosen = await findDevice(start.device, { libDir: start.llamaLibDir, gpuFolder });
  report({ kind: 'log', level: 'info', message: describeChoice(chosen) });
  // Drivers keep what they compile in a folder that is there, and in no other.
  if (chosen.kind === 'gpu') mkdirSync(shaderCacheFolder(start.repositoryPath), { recursive: true });
  return chosen;
}

/** All sequences share one cache, so its size is no sign that one of them could run past what the model was trained for. */
const isExpected = (line: string): boolean => line.includes('n_ctx_seq');

function hubOf(start: ReaderStart, secrets: ReaderSecrets, report: Report): Hub {
  return new Hub({
    repositoryPath: start.repositoryPath,
    endpoint: start.hubEndpoint,
    accessToken: secrets.hubAccessToken,
    isOffline: start.hubOffline,
    onEvent: reporting(report),
  });
}

/** Tells what happens, though not each of the many tensors of a small model. */
function reporting(report: Report): (event: CacheEvent | HubEvent) => void {
  const isDue = throttle();
  return (event) => {
    const isFrequent = event.kind === 'converting' || event.kind === 'downloading';
    if (!isFrequent || isDue()) report(describeEvent(event));
  };
}

async function ensurePair(start: ReaderStart, hub: Hub, runtime: Runtime, report: Report) {
  const source = await hub.resolveSource(start.modelName);
  const paths = await ensureGgufPair({
    source,
    projectorFile: start.projectorFile,
    modelBase: start.modelBase,
    locateTower: hub.locateTower,
    locateBase: hub.locateBase,
    repositoryPath: start.repositoryPath,
    textType: start.quantType,
    towerType: start.visionQuantType,
    codec: createTensorCodec(runtime),
    gpuBytes:
      runtime.gpus.length === 0 ? null : runtime.gpus.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
    onEvent: reporting(report),
  });
  return { ...paths, modelConfig: await readModelConfig(source) };
}

interface Preparing {
  readonly start: ReaderStart;
  readonly hub: Hub;
  readonly runtime: Runtime;
  readonly report: Report;
}

/** Needs the pair no longer once it has returned. */
function adapterPreparer(
  { start: { repositoryPath }, hub, runtime, report }: Preparing,
  { model }: GgufPair,
): ServedModel['prepareAdapter'] {
  const weights = modelWeights(model);
  return async (source) =>
    ensureGgufAdapter({
      source: await hub.resolveAdapter(source),
      weights,
      repositoryPath,
      codec: createTensorCodec(runtime),
      onWaiting: (lockPath) => report(describeEvent({ kind: 'waiting', lockPath })),
    });
}

/** Files of the adapters that the reader is started with, by their ids. */
async function prepareAll(
  { loras }: ReaderStart,
  prepare: ServedModel['prepareAdapter'],
  report: Report,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [name, source] of Object.entries(loras)) {
    report({ kind: 'loading', stage: `preparing the adapter ${name}`, fraction: null });
    files.set(firstAdapterId(name), await prepare(source));
  }
  return files;
}

/** True at most ten times a second: a small model has hundreds of tensors and converts in one. */
function throttle(): () => boolean {
  let lastMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs - lastMs < 100) return false;
    lastMs = nowMs;
    return true;
  };
}

function describeEvent(event: CacheEvent | HubEvent): FromReader {
  switch (event.kind) {
    case 'warning':
      return { kind: 'log', level: 'warn', message: event.message };
    case 'waiting':
      return {
        kind: 'loading',
        stage: `waiting for another process that prepares this model (${event.lockPath})`,
        fraction: null,
      };
    case 'downloading': {
      const { repository, doneBytes, totalBytes } = event.progress;
      return {
        kind: 'loading',
        stage: `downloading ${repository}`,
        fraction: totalBytes === 0 ? null : doneBytes / totalBytes,
      };
    }
    case 'converting': {
      const { part, doneBytes, totalBytes } = event.progress;
      return {
        kind: 'loading',
        stage: `converting the ${part}`,
        fraction: totalBytes === 0 ? null : doneBytes / totalBytes,
      };
    }
  }
}
