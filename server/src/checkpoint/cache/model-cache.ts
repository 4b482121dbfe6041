// The model cache: converted GGUF pairs in folders named after the source and a key of its content (converted-folder.ts).
import { join } from 'node:path';
import { CheckpointError } from '../../errors.js';
import type { TextQuant, TextQuantChoice, TowerQuant, TowerQuantChoice } from '../../model/quantisation.js';
import type { TensorCodec } from '../../model/tensor-types.js';
import {
  convertCheckpoint,
  MODEL_FILE,
  PROJECTOR_FILE,
  type ConvertProgress,
  type GgufPairPaths,
} from '../convert/convert-checkpoint.js';
import { chooseTextQuant, chooseTextQuantForGpu, chooseTowerQuant } from '../convert/quantisation.js';
import { memoryNeeds } from '../inspect/memory-need.js';
import { openGgufPair } from '../pair/open-pair.js';
import type { Checkpoint } from '../source/checkpoint.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import type { ReadOptions } from '../source/read-checkpoint.js';
import { findOrMake, folderName } from './converted-folder.js';
import { locateSource, type SourceSettings } from './locate-source.js';
import { sourceKey } from './source-key.js';

export type CacheEvent =
  | { readonly kind: 'converting'; readonly progress: ConvertProgress }
  /** Another process converts the same model; this one waits for it. */
  | { readonly kind: 'waiting'; readonly lockPath: string }
  | { readonly kind: 'warning'; readonly message: string };

export interface EnsureOptions extends SourceSettings, ReadOptions {
  /** A checkpoint's folder, a folder with a GGUF pair, or a GGUF file. */
  readonly source: string;
  /** The model cache. */
  readonly repositoryPath: string;
  readonly textType: TextQuantChoice;
  readonly towerType: TowerQuantChoice;
  /** Memory of the GPUs that will hold the model; null or absent where it computes on the CPU. `auto` depends on it. */
  readonly gpuBytes?: number | null;
  readonly codec: TensorCodec;
  readonly onEvent?: (event: CacheEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Paths of a complete pair for the source, converted now if it is not in the cache.
 * @throws CheckpointError of any code
 */
export async function ensureGgufPair(options: EnsureOptions): Promise<GgufPairPaths> {
  const source = await locateSource(options.source, options);
  if (source.kind === 'pair') {
    for (const message of source.warnings) options.onEvent?.({ kind: 'warning', message });
    return { modelPath: source.modelPath, projectorPath: source.projectorPath };
  }
  const checkpoint = await describeCheckpoint(source.folder, options);
  try {
    for (const message of checkpoint.warnings) options.onEvent?.({ kind: 'warning', message });
    const { text, tower } = chooseTypes(checkpoint, options);
    return await findOrConvert(checkpoint, text, tower, options);
  } finally {
    await checkpoint.close();
  }
}

function chooseTypes(checkpoint: Checkpoint, { textType, towerType, gpuBytes = null }: EnsureOptions) {
  const text =
    textType === 'auto' && gpuBytes !== null
      ? chooseTextQuantForGpu(memoryNeeds(checkpoint), gpuBytes)
      : chooseTextQuant(textType, checkpoint);
  return { text, tower: chooseTowerQuant(towerType, text, checkpoint, gpuBytes === null ? 'bf16' : 'f16') };
}

async function findOrConvert(
  checkpoint: Checkpoint,
  textType: TextQuant,
  towerType: TowerQuant,
  { repositoryPath, codec, onEvent, signal }: EnsureOptions,
): Promise<GgufPairPaths> {
  const key = await sourceKey(checkpoint.folder, checkpoint.sourceFiles, [textType, towerType]);
  const folder = await findOrMake({
    repositoryPath,
    name: `${folderName(checkpoint.folder)}-${textType}-${key}`,
    isComplete,
    make: async (outDir) => {
      await convertCheckpoint({
        checkpoint,
        outDir,
        textType,
        towerType,
        codec,
        onProgress: (progress) => onEvent?.({ kind: 'converting', progress }),
        ...(signal === undefined ? {} : { signal }),
      });
    },
    onWaiting: (lockPath) => onEvent?.({ kind: 'waiting', lockPath }),
    signal,
  });
  return pairIn(folder);
}

function pairIn(folder: string): GgufPairPaths {
  return { modelPath: join(folder, MODEL_FILE), projectorPath: join(folder, PROJECTOR_FILE) };
}

/** Whether the folder holds a pair that opens. */
async function isComplete(folder: string): Promise<boolean> {
  const { modelPath, projectorPath } = pairIn(folder);
  try {
    const pair = await openGgufPair(modelPath, projectorPath);
    await pair.close();
    return true;
  } catch (error) {
    if (error instanceof CheckpointError && error.code !== 'checkpoint.unreadable') return false;
    throw error;
  }
}
