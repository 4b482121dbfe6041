// `takeoff convert`: makes the GGUF pair of a checkpoint without serving it, in the model cache or in a folder of its own.
// Loads the native library for its quantisers, so it is imported when it is asked for and not before.
import { mkdir } from 'node:fs/promises';
import { ensureGgufPair } from '../checkpoint/cache/model-cache.js';
import { locateSource } from '../checkpoint/cache/locate-source.js';
import {
  convertCheckpoint,
  type ConvertProgress,
  type GgufPairPaths,
} from '../checkpoint/convert/convert-checkpoint.js';
import { parseTextQuant } from '../checkpoint/convert/quantisation.js';
import { describeCheckpoint } from '../checkpoint/source/describe-checkpoint.js';
import { CheckpointError } from '../errors.js';
import type { TensorCodec } from '../model/tensor-types.js';
import { physicalCores } from '../native/cores.js';
import { openRuntime } from '../native/runtime.js';
import { createTensorCodec } from '../native/tensor-codec.js';
import { ProgressLine } from './progress-line.js';
import { alignedLines, type Terminal } from './terminal.js';

export interface ConvertCommand {
  readonly source: string;
  readonly quantType: string;
  /** Folder for the two files; null keeps them in the model cache. */
  readonly outDir: string | null;
  readonly repositoryPath: string;
  readonly libDir: string | null;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** @throws CheckpointError, ConfigError, NativeError */
export async function convert(command: ConvertCommand, terminal: Terminal): Promise<void> {
  const runtime = openRuntime({
    libDir: command.libDir,
    device: 'cpu',
    threads: physicalCores(),
    log: (level, line) => {
      if (level === 'error') terminal.err(`llama.cpp: ${line}\n`);
    },
  });
  const codec = createTensorCodec(runtime);
  const line = new ProgressLine(terminal);
  const show = {
    progress: ({ part, doneBytes, totalBytes }: ConvertProgress) =>
      line.show(`converting the ${part}`, totalBytes === 0 ? null : doneBytes / totalBytes),
    warning: (message: string) => {
      line.clear();
      terminal.err(`warning: ${message}\n`);
    },
    waiting: (lockPath: string) =>
      line.show(`waiting for another process that converts this (${lockPath})`, null),
  };
  const paths = await (
    command.outDir === null
      ? intoCache(command, codec, show)
      : intoFolder(command, command.outDir, codec, show)
  ).finally(() => line.clear());
  terminal.out(command.isJson ? `${JSON.stringify(paths, null, 2)}\n` : describePaths(paths));
}

interface Show {
  readonly progress: (progress: ConvertProgress) => void;
  readonly warning: (message: string) => void;
  readonly waiting: (lockPath: string) => void;
}

function intoCache(command: ConvertCommand, codec: TensorCodec, show: Show): Promise<GgufPairPaths> {
  return ensureGgufPair({
    source: command.source,
    repositoryPath: command.repositoryPath,
    textType: command.quantType,
    towerType: 'auto',
    codec,
    signal: command.signal,
    onEvent: (event) => {
      if (event.kind === 'converting') show.progress(event.progress);
      else if (event.kind === 'waiting') show.waiting(event.lockPath);
      else show.warning(event.message);
    },
  });
}

async function intoFolder(
  { source, quantType, signal }: ConvertCommand,
  outDir: string,
  codec: TensorCodec,
  show: Show,
): Promise<GgufPairPaths> {
  const textType = parseTextQuant(quantType);
  const located = await locateSource(source);
  if (located.kind === 'pair') {
    throw new CheckpointError(
      'checkpoint.unsupported',
      `${source}: This is a GGUF pair already; only checkpoints of weights in f32, f16 or bf16 can be converted.`,
    );
  }
  const checkpoint = await describeCheckpoint(located.folder);
  try {
    for (const message of checkpoint.warnings) show.warning(message);
    await mkdir(outDir, { recursive: true });
    return await convertCheckpoint({
      checkpoint,
      outDir,
      textType,
      towerType: 'auto',
      codec,
      onProgress: show.progress,
      signal,
    });
  } finally {
    await checkpoint.close();
  }
}

const describePaths = ({ modelPath, projectorPath }: GgufPairPaths): string =>
  alignedLines([
    ['language model', modelPath],
    ['vision tower', projectorPath ?? 'none'],
  ]);
