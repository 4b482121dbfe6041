// The model cache: converted GGUF pairs in folders named after the source and a key of its content. A folder has its name only
// when both files in it are complete, because conversion happens in a folder of another name that is renamed at the end.
// What a killed conversion left behind is removed by the next one.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
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
import { chooseTextQuant, chooseTowerQuant } from '../convert/quantisation.js';
import { unreadable } from '../failures.js';
import { writeFailure } from '../gguf/writer.js';
import { openGgufPair } from '../pair/open-pair.js';
import type { Checkpoint } from '../source/checkpoint.js';
import { modelName } from '../source/config-parts.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import type { TowerLocator } from '../source/vision-source.js';
import { LOCK_SUFFIX, PARTIAL_SUFFIX, removeLeftovers } from './leftovers.js';
import { locateSource } from './locate-source.js';
import { withLock } from './lock.js';
import { sourceKey } from './source-key.js';

export type CacheEvent =
  | { readonly kind: 'converting'; readonly progress: ConvertProgress }
  /** Another process converts the same model; this one waits for it. */
  | { readonly kind: 'waiting'; readonly lockPath: string }
  | { readonly kind: 'warning'; readonly message: string };

export interface EnsureOptions {
  /** A checkpoint's folder, a folder with a GGUF pair, or a GGUF file. */
  readonly source: string;
  /** Which of several mmproj files beside a GGUF model; absent, there is one, or none. */
  readonly projectorFile?: string | null;
  /** The model cache. */
  readonly repositoryPath: string;
  readonly textType: TextQuantChoice;
  readonly towerType: TowerQuantChoice;
  readonly codec: TensorCodec;
  readonly locateTower?: TowerLocator;
  readonly onEvent?: (event: CacheEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Paths of a complete pair for the source, converted now if it is not in the cache.
 * @throws CheckpointError of any code
 */
export async function ensureGgufPair(options: EnsureOptions): Promise<GgufPairPaths> {
  const source = await locateSource(options.source, options.projectorFile ?? null);
  if (source.kind === 'pair') {
    for (const message of source.warnings) options.onEvent?.({ kind: 'warning', message });
    return { modelPath: source.modelPath, projectorPath: source.projectorPath };
  }
  const checkpoint = await describeCheckpoint(
    source.folder,
    options.locateTower === undefined ? {} : { locateTower: options.locateTower },
  );
  try {
    for (const message of checkpoint.warnings) options.onEvent?.({ kind: 'warning', message });
    const text = chooseTextQuant(options.textType, checkpoint);
    const tower = chooseTowerQuant(options.towerType, text, checkpoint);
    return await findOrConvert(checkpoint, text, tower, options);
  } finally {
    await checkpoint.close();
  }
}

async function findOrConvert(
  checkpoint: Checkpoint,
  text: TextQuant,
  tower: TowerQuant,
  options: EnsureOptions,
): Promise<GgufPairPaths> {
  const { repositoryPath, onEvent, signal } = options;
  const key = await sourceKey(checkpoint.folder, checkpoint.sourceFiles, [text, tower]);
  const folder = join(repositoryPath, `${folderName(checkpoint.folder)}-${text}-${key}`);
  if (await isComplete(folder)) return pairIn(folder);
  await makeFolder(repositoryPath);
  const lockPath = `${folder}${LOCK_SUFFIX}`;
  return withLock(
    lockPath,
    signal,
    () => onEvent?.({ kind: 'waiting', lockPath }),
    async () => {
      // Another process may have finished while this one waited.
      if (!(await isComplete(folder))) {
        await removeLeftovers(repositoryPath);
        await convertInto(folder, checkpoint, text, tower, options);
      }
      return pairIn(folder);
    },
  );
}

async function convertInto(
  folder: string,
  checkpoint: Checkpoint,
  textType: TextQuant,
  towerType: TowerQuant,
  { codec, onEvent, signal }: EnsureOptions,
): Promise<void> {
  const partial = `${folder}${PARTIAL_SUFFIX}`;
  // Whatever is here was left by a process that was killed: the lock is ours.
  await rm(partial, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await makeFolder(partial);
  try {
    await convertCheckpoint({
      checkpoint,
      outDir: partial,
      textType,
      towerType,
      codec,
      onProgress: (progress) => onEvent?.({ kind: 'converting', progress }),
      ...(signal === undefined ? {} : { signal }),
    });
    await rename(partial, folder).catch((error: unknown) => {
      throw writeFailure(folder, error);
    });
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

function pairIn(folder: string): GgufPairPaths {
  return { modelPath: join(folder, MODEL_FILE), projectorPath: join(folder, PROJECTOR_FILE) };
}

/** Whether the folder holds a pair that opens. A damaged one (a disk that lost pages, a hand-made change) is converted again. */
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

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await readdir(path);
  } catch (error) {
    throw unreadable(path, 'The model cache (TAKEOFF_REPOSITORY_PATH) cannot be created here.', error);
  }
}

/** The source's own name as far as every file system can spell it. */
function folderName(folder: string): string {
  return (
    modelName(folder)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(0, 64) || 'model'
  );
}
