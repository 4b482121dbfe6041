// What of a GGUF pair goes where on this machine: reads what the model needs out of its files and what the devices have, and lets
// placement.ts decide. Without GPUs only the size of the KV cache is left to decide.
import os from 'node:os';
import type { GgufFile } from '../../checkpoint/gguf/gguf-file.js';
import type { GgufPair } from '../../checkpoint/pair/open-pair.js';
import type { VisionModel } from '../../checkpoint/pair/vision-model.js';
import { describeDevice } from '../../native/gpu/gpu-devices.js';
import { NO_GPU, type GpuShare } from '../../native/language-model.js';
import type { Runtime } from '../../native/runtime.js';
import { chooseCells, roundedUp, type KvDemand } from './kv-budget.js';
import { placeModel } from './placement.js';

export interface PairPlace {
  readonly cells: number;
  readonly onGpus: GpuShare;
  /** For the log; null where there was nothing to decide. */
  readonly explanation: string | null;
}

export interface PlaceOptions extends Omit<KvDemand, 'freeMemoryBytes'> {
  /** Rows of one step at most. */
  readonly maxRows: number;
  readonly gpuLayers: number | 'auto';
  readonly kvHalvings: number;
  /** Tiles that the tower computes at once. */
  readonly tilesPerRun: number;
}

/** Bytes of f32 and of a mask for each row of a step and each cell: one in f32 and its copy in f16. */
const MASK_BYTES = 6;

/** @throws NativeError native.out_of_memory, ConfigError */
export function placePair(runtime: Runtime, pair: GgufPair, options: PlaceOptions): PairPlace {
  const { gpus, ggml } = runtime;
  if (gpus.length === 0) {
    const cells = chooseCells({ ...options, freeMemoryBytes: os.freemem() });
    const fewer = Math.max(roundedUp(options.contextTokens), cells >> options.kvHalvings);
    return { cells: fewer, onGpus: NO_GPU, explanation: null };
  }
  const { gpuLayers, cells, tensorSplit, explanation } = placeModel({
    ...options,
    devices: gpus.map(({ pointer }) => describeDevice(ggml, pointer)),
    hostFreeBytes: os.freemem(),
    ...weightsOf(pair.model),
    towerBytes: pair.projector === null ? 0 : towerBytes(pair.projector.vision, options.tilesPerRun),
    activationBytes: activationBytes(pair.model, options),
    maskBytesPerCell: options.maxRows * MASK_BYTES,
  });
  return { cells, onGpus: { layers: gpuLayers, tensorSplit }, explanation };
}

/** The token table is not among them: llama.cpp keeps it on the processor, and gives a model without an output of its own a copy. */
function weightsOf({ tensors }: GgufFile) {
  const byLayer = new Map<number, number>();
  let outputBytes = 0;
  for (const [name, { sizeBytes }] of tensors) {
    const layer = Number(/^blk\.(\d+)\./u.exec(name)?.[1]);
    if (!Number.isNaN(layer)) byLayer.set(layer, (byLayer.get(layer) ?? 0) + sizeBytes);
    else if (name !== 'token_embd.weight') outputBytes += sizeBytes;
  }
  if (!tensors.has('output.weight')) outputBytes += tensors.get('token_embd.weight')?.sizeBytes ?? 0;
  return { layerBytes: [...byLayer].sort(([a], [b]) => a - b).map(([, bytes]) => bytes), outputBytes };
}

function towerBytes(
  { tensors, hiddenSize, feedForwardSize, sidePx, patchPx }: VisionModel,
  tiles: number,
): number {
  const weights = [...tensors.values()].reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const rows = ((sidePx / patchPx) ** 2 + 1) * tiles;
  // Inside a layer: input, residual, queries, keys, values, their copies in f16, and the feed-forward part twice.
  return weights + rows * 4 * (8 * hiddenSize + 2 * feedForwardSize);
}

/** Inside a layer as in the tower; then the logits of the rows that are sampled from. */
function activationBytes(file: GgufFile, { maxRows, maxSequences }: PlaceOptions): number {
  const key = (name: string) => file.require(file.number(`llama.${name}`), `llama.${name}`);
  const vocabulary = file.tensors.get('token_embd.weight')?.dimensions[1] ?? 0;
  const inLayer = maxRows * 4 * (8 * key('embedding_length') + 3 * key('feed_forward_length'));
  return inLayer + Math.max(maxSequences, 8) * 4 * vocabulary;
}
