// Converts a checkpoint to a standard GGUF pair: the language model and the mmproj file (tower, projector, newline vector).
// Both appear under their names only when they are complete.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../errors.js';
import type { TextQuantChoice, TowerQuantChoice } from '../../model/quantisation.js';
import type { TensorCodec } from '../../model/tensor-types.js';
import { GgufWriter } from '../gguf/writer.js';
import type { Checkpoint } from '../source/checkpoint.js';
import { plannedTensors, planPair, type PlannedFile } from './plan-pair.js';
import { chooseTextQuant, chooseTowerQuant } from './quantisation.js';
import { sourceBytesOf, transferTensors } from './transfer.js';

export const MODEL_FILE = 'model.gguf';
export const PROJECTOR_FILE = 'mmproj.gguf';

export interface ConvertProgress {
  readonly part: 'vision tower' | 'language model';
  /** Tensor that was worked on last. */
  readonly tensor: string;
  /** Source bytes of both parts. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface ConvertOptions {
  readonly checkpoint: Checkpoint;
  /** Folder for the two files; it exists. */
  readonly outDir: string;
  readonly textType: TextQuantChoice;
  readonly towerType: TowerQuantChoice;
  readonly codec: TensorCodec;
  readonly onProgress?: (progress: ConvertProgress) => void;
  readonly signal?: AbortSignal;
}

export interface GgufPairPaths {
  readonly modelPath: string;
  /** Null for a language model without a tower. */
  readonly projectorPath: string | null;
}

interface Part {
  readonly name: ConvertProgress['part'];
  readonly path: string;
  readonly file: PlannedFile;
}

/** @throws CheckpointError of any code; nothing is left behind but complete files */
export async function convertCheckpoint(
  options: ConvertOptions,
): Promise<{ modelPath: string; projectorPath: string }> {
  const { checkpoint, outDir } = options;
  const textQuant = chooseTextQuant(options.textType, checkpoint);
  const towerQuant = chooseTowerQuant(options.towerType, textQuant, checkpoint);
  const modelPath = join(outDir, MODEL_FILE);
  const projectorPath = join(outDir, PROJECTOR_FILE);
  const plan = planPair(checkpoint, textQuant, towerQuant);
  // The small file first: what is wrong with the image side shows within seconds.
  const parts: Part[] = [
    { name: 'vision tower', path: projectorPath, file: plan.projector },
    { name: 'language model', path: modelPath, file: plan.model },
  ];
  await writeParts(parts, options);
  return { modelPath, projectorPath };
}

async function writeParts(parts: readonly Part[], options: ConvertOptions): Promise<void> {
  const { outDir, codec, onProgress, signal } = options;
  const totalBytes = parts.reduce((sum, { file }) => sum + sourceBytesOf(file.tensors), 0);
  let doneBytes = 0;
  const writers: GgufWriter[] = [];
  try {
    for (const part of parts) {
      writers.push(await GgufWriter.create(part.path, part.file.metadata, plannedTensors(part.file)));
    }
    await validateFreeSpace(
      outDir,
      writers.reduce((sum, writer) => sum + writer.fileBytes, 0),
    );
    for (const [index, part] of parts.entries()) {
      const writer = writers[index];
      if (writer === undefined) continue;
      await transferTensors(part.file.tensors, writer, {
        codec,
        signal,
        onChunk: (tensor, sourceBytes) => {
          doneBytes += sourceBytes;
          onProgress?.({ part: part.name, tensor, doneBytes, totalBytes });
        },
      });
    }
    for (const writer of writers) await writer.finish();
  } catch (error) {
    for (const writer of writers) await writer.abandon();
    throw error;
  }
}

/** Fails before hours of work rather than after: the size of the pair is known from the start. */
async function validateFreeSpace(outDir: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(outDir);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new CheckpointError(
    'checkpoint.unreadable',
    `${outDir}: The converted model needs ${gigabytes(neededBytes)} GB, the disk has ${gigabytes(freeBytes)} GB left. Free some space, or put the model cache elsewhere (TAKEOFF_REPOSITORY_PATH), or choose a smaller type (TAKEOFF_QUANT_TYPE).`,
  );
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 1);
}
