// Reads a golden case and loads its model in f32, for the parity tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { convertCheckpoint } from '../../server/src/checkpoint/convert/convert-checkpoint.js';
import { openGgufPair, type GgufPair } from '../../server/src/checkpoint/pair/open-pair.js';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';
import type { ImagePayload, PromptPart, Turn } from '../../server/src/link/requests/messages.js';
import type { KernelChoice } from '../../server/src/model/kernels.js';
import { cpuDevice } from '../../server/src/native/gpu/find-device.js';
import { openRuntime, type Runtime } from '../../server/src/native/runtime.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import type { VisionSettings } from '../../server/src/model/description.js';
import { preprocess } from '../../server/src/image/preprocess.js';
import { toSlot, type TokenId } from '../../server/src/reader/ids.js';
import type { FeatureRows } from '../../server/src/reader/engine/engine.js';
import { loadPair, type LoadedPair } from '../../server/src/reader/load/load-pair.js';

export interface GoldenRun {
  id: string;
  kind: string;
  prompt: string;
  images: string[];
  inputIds: number[];
  promptTokens: number;
  top5: [number, number][];
  conversation?: { template: string; turns: [string, string | null][] };
  greedy: { tokens: number[]; margins: number[]; text: string; finish: string };
}
export interface GoldenImage {
  name: string;
  file: string;
  tiles: number;
  tilesSha256: string;
  imageTokens: number;
  features: { mean: number; std: number; stored: 'full' | 'ends' };
}
export interface GoldenExpectations {
  case: string;
  images: GoldenImage[];
  runs: GoldenRun[];
  tokenize: { text: string; ids: number[]; decoded: string }[];
}

export const GOLDENS = fileURLToPath(new URL('../goldens/', import.meta.url));
export const GOLDEN_CASES = ['v15-llama-pad', 'v16-llama-anyres', 'v16-mistral-anyres', 'square-linear-224'];
/** One checkpoint of each language model. */
export const GOLDEN_SAMPLE = ['v15-llama-pad', 'v16-mistral-anyres'];
/** The others, so that every checkpoint is in one sample or the other. */
export const OTHER_GOLDEN_SAMPLE = GOLDEN_CASES.filter((name) => !GOLDEN_SAMPLE.includes(name));

/** The turn that a client sends for a golden's turn: images first, then the text after the line break of the last one. */
export function toTurn(role: Turn['role'], text: string): Turn {
  const stretches = text.split('<image>\n');
  const question = stretches.pop() ?? '';
  const images = stretches.map((_, image): PromptPart => ({ kind: 'image', image }));
  return { role, parts: [...images, { kind: 'text', text: question }] };
}

export const readExpectations = (name: string): GoldenExpectations =>
  JSON.parse(readFileSync(path.join(GOLDENS, name, 'expected.json'), 'utf8')) as GoldenExpectations;

/** A process has one runtime, so a test file chooses kernels once. */
export const nativeRuntime = (kernels: KernelChoice = 'off'): Runtime =>
  openRuntime({ device: cpuDevice(null), threads: 2, kernels, log: () => undefined });

export interface ConvertedModel extends LoadedPair {
  close(): Promise<void>;
}

/**
 * Converts a checkpoint with everything in f32 and loads it with f32 arithmetic.
 * @param adaptersFor makes the files of the LoRA adapters to load beside it, by name
 */
export const loadExact = (
  folder: string,
  kernels: KernelChoice = 'off',
  adaptersFor?: (pair: GgufPair) => Promise<ReadonlyMap<string, string>>,
): Promise<ConvertedModel> => loadConverted(nativeRuntime(kernels), folder, 'f32', adaptersFor);

/** Converts a checkpoint with everything in one type and loads it: with f32 arithmetic in f32, else as it would be served. */
export async function loadConverted(
  runtime: Runtime,
  folder: string,
  type: 'f32' | 'f16',
  adaptersFor: (pair: GgufPair) => Promise<ReadonlyMap<string, string>> = () => Promise.resolve(new Map()),
): Promise<ConvertedModel> {
  const outDir = mkdtempSync(path.join(os.tmpdir(), 'takeoff-parity-'));
  const checkpoint = await describeCheckpoint(folder);
  const paths = await convertCheckpoint({
    checkpoint,
    outDir,
    textType: type,
    towerType: type,
    codec: createTensorCodec(runtime),
  });
  await checkpoint.close();
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  const loaded = await loadPair(runtime, pair, {
    maxSequenceLength: 0,
    maxSequences: 2,
    pageCacheSize: null,
    threads: null,
    isExact: type === 'f32',
    adapters: await adaptersFor(pair),
  });
  return {
    ...loaded,
    close: async () => {
      loaded.encoder?.close();
      loaded.engine.close();
      await pair.close();
      rmSync(outDir, { recursive: true });
    },
  };
}

/** Logits behind a prompt of text: what the model says of the next token. */
export async function logitsAfter(
  { engine, decoder, description }: LoadedPair,
  prompt: readonly TokenId[],
  adapter: string | null = null,
): Promise<Float32Array> {
  const slot = toSlot(0);
  engine.begin(slot, { ...GREEDY, maxNewTokens: 1 });
  await engine.step(
    prompt.map((token, position) => ({
      slot,
      position,
      source: { kind: 'token', token },
      samples: position === prompt.length - 1,
    })),
    adapter,
  );
  const logits = decoder.logits(prompt.length - 1).slice(0, description.tokenizer.tokenCount);
  engine.end(slot);
  engine.forget(slot, 0, engine.limits.contextTokens);
  return logits;
}

/** All slices of an image's encoding, one after the other. */
export async function encodeImage(
  { encoder, description }: Pick<LoadedPair, 'encoder' | 'description'>,
  file: string,
  keptRows: number | null = null,
): Promise<EncodedImage> {
  if (encoder === null || description.vision === null) throw new TypeError('the model takes no images');
  const encoding = encoder.start(await readImage(file, description.vision), keptRows);
  for (;;) {
    const features = await encoding.advance(Infinity);
    if (features !== undefined) return encodedImage(features);
  }
}

/** Features, f32 [rows, width], as an array of their own. */
export interface EncodedImage extends FeatureRows {
  readonly values: Float32Array;
}

function encodedImage(features: FeatureRows): EncodedImage {
  const { rows } = features;
  const width = features.row(0).length;
  const values = new Float32Array(rows * width);
  for (let index = 0; index < rows; index += 1) values.set(features.row(index), index * width);
  return { rows, values, row: (index) => values.subarray(index * width, (index + 1) * width) };
}

/** Features of the goldens' images by their names, each encoded once. */
export function imageFeatures(model: () => Pick<LoadedPair, 'encoder' | 'description'>) {
  const features = new Map<string, EncodedImage>();
  return async (image: string): Promise<EncodedImage> => {
    const known = features.get(image);
    if (known !== undefined) return known;
    const done = await encodeImage(model(), path.join(GOLDENS, 'images', `${image}.png`));
    features.set(image, done);
    return done;
  };
}

export async function readImage(file: string, vision: VisionSettings): Promise<ImagePayload> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const tiles = preprocess({ widthPx: info.width, heightPx: info.height, pixels: data }, vision);
  return { sha256: file, widthPx: info.width, heightPx: info.height, sidePx: vision.sidePx, tiles };
}

type SafetensorsHeader = Record<string, { shape: number[]; data_offsets: [number, number] }>;

/** The tensors of a golden's expected.safetensors. */
export class GoldenTensors {
  readonly #file: Buffer;
  readonly #header: SafetensorsHeader;
  readonly #data: number;

  constructor(name: string) {
    this.#file = readFileSync(path.join(GOLDENS, name, 'expected.safetensors'));
    const headerBytes = Number(this.#file.readBigUInt64LE(0));
    this.#data = 8 + headerBytes;
    this.#header = JSON.parse(this.#file.toString('utf8', 8, this.#data)) as SafetensorsHeader;
  }

  floats(name: string): Float32Array | undefined {
    const entry = this.#header[name];
    if (entry === undefined) return undefined;
    const [start, end] = entry.data_offsets;
    return new Float32Array(new Uint8Array(this.#file.subarray(this.#data + start, this.#data + end)).buffer);
  }
}

export function differences(got: Float32Array, wanted: Float32Array): { largest: number; relative: number } {
  let largest = 0;
  let error = 0;
  let norm = 0;
  for (let i = 0; i < wanted.length; i += 1) {
    const d = (got[i] ?? NaN) - (wanted[i] ?? NaN);
    largest = Math.max(largest, Math.abs(d));
    error += d * d;
    norm += (wanted[i] ?? 0) ** 2;
  }
  return { largest: got.length === wanted.length ? largest : Infinity, relative: Math.sqrt(error / norm) };
}
