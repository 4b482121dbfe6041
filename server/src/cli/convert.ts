// `takeoff convert`: makes the GGUF pair of a checkpoint without serving it, in the model cache or in a folder of its own.
// It loads the native library for the quantisers, so program.ts imports this file only when the command runs.
import { mkdir } from 'node:fs/promises';
import { ensureGgufPair, type CacheEvent } from '../checkpoint/cache/model-cache.js';
import { locateSource } from '../checkpoint/cache/locate-source.js';
import { convertCheckpoint, type GgufPairPaths } from '../checkpoint/convert/convert-checkpoint.js';
import { describeCheckpoint } from '../checkpoint/source/describe-checkpoint.js';
import type { ReadOptions } from '../checkpoint/source/read-checkpoint.js';
import { CheckpointError } from '../errors.js';
import { parseTextQuant, parseTowerQuant } from '../model/quantisation.js';
import type { TensorCodec } from '../model/tensor-types.js';
import { physicalCores } from '../native/cores.js';
import { cpuDevice } from '../native/gpu/find-device.js';
import { openRuntime } from '../native/runtime.js';
import { createTensorCodec } from '../native/tensor-codec.js';
import { EventLines } from './event-lines.js';
import { openHub, type HubSettings } from './open-hub.js';
import { alignedLines, type Terminal } from './terminal.js';

export interface ConvertCommand {
  /** A path, or a name of the model hub. */
  readonly source: string;
  readonly quantType: string;
  readonly visionQuantType: string;
  /** The base of a LoRA checkpoint. */
  readonly modelBase: string | null;
  /** Folder for the two files; null keeps them in the model cache. */
  readonly outDir: string | null;
  readonly hub: HubSettings;
  readonly libDir: string | null;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** A convert command whose source is on this machine, downloaded if it was a name of the hub. */
interface Conversion extends ConvertCommand, Required<Pick<ReadOptions, 'locateTower' | 'locateBase'>> {
  readonly codec: TensorCodec;
  readonly onEvent: (event: CacheEvent) => void;
}

/** @throws CheckpointError, HubError, ConfigError, NativeError */
export async function convert(command: ConvertCommand, terminal: Terminal): Promise<void> {
  const runtime = openRuntime({
    device: cpuDevice(command.libDir),
    threads: physicalCores(),
    kernels: 'off',
    log: (level, line) => {
      if (level === 'error') terminal.err(`llama.cpp: ${line}\n`);
    },
  });
  const codec = createTensorCodec(runtime);
  const lines = new EventLines(terminal);
  const hub = openHub(command.hub, command.signal, lines.show);
  try {
    const source = await hub.resolveSource(command.source);
    const { locateTower, locateBase } = hub;
    const conversion = { ...command, source, locateTower, locateBase, codec, onEvent: lines.show };
    const paths = await (command.outDir === null
      ? intoCache(conversion)
      : intoFolder(conversion, command.outDir));
    lines.clear();
    terminal.out(command.isJson ? `${JSON.stringify(paths, null, 2)}\n` : describePaths(paths));
  } finally {
    lines.clear();
  }
}

function intoCache({ quantType, visionQuantType, hub, ...conversion }: Conversion): Promise<GgufPairPaths> {
  const { repositoryPath } = hub;
  return ensureGgufPair({
    ...conversion,
    repositoryPath,
    textType: parseTextQuant(quantType),
    towerType: parseTowerQuant(visionQuantType),
  });
}

async function intoFolder(conversion: Conversion, outDir: string): Promise<GgufPairPaths> {
  const { source, quantType, visionQuantType, codec, signal, onEvent } = conversion;
  const textType = parseTextQuant(quantType);
  const towerType = parseTowerQuant(visionQuantType);
  const located = await locateSource(source, conversion);
  if (located.kind === 'pair') {
    throw new CheckpointError(
      'checkpoint.unsupported',
      `${source}: This is a GGUF pair already; only checkpoints of weights in f32, f16 or bf16 can be converted.`,
    );
  }
  const checkpoint = await describeCheckpoint(located.folder, conversion);
  try {
    for (const message of checkpoint.warnings) onEvent({ kind: 'warning', message });
    await mkdir(outDir, { recursive: true });
    return await convertCheckpoint({
      checkpoint,
      outDir,
      textType,
      towerType,
      codec,
      onProgress: (progress) => onEvent({ kind: 'converting', progress }),
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
