// LoRA adapters as files that llama.cpp loads: a GGUF adapter is taken as it is, one of PEFT is converted once and kept in the model
// cache, under a key of its content and of the shape of the model it is for.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../errors.js';
import type { TensorCodec } from '../../model/tensor-types.js';
import { adapterFiles, convertAdapter } from '../adapter/convert-adapter.js';
import { validateGgufAdapter } from '../adapter/gguf-adapter.js';
import { missing } from '../failures.js';
import type { ExpectedTensor } from '../source/mapped-tensor.js';
import { findOrMake, folderName } from './converted-folder.js';
import { sourceKey } from './source-key.js';

const ADAPTER_FILE = 'adapter.gguf';

export interface EnsureAdapterOptions {
  /** A folder of PEFT, or a GGUF file. */
  readonly source: string;
  /** Matrices of the model that the adapter is for. */
  readonly weights: readonly ExpectedTensor[];
  /** The model cache. */
  readonly repositoryPath: string;
  readonly codec: TensorCodec;
  readonly onWaiting?: (lockPath: string) => void;
  readonly signal?: AbortSignal;
}

/** Path of a GGUF adapter, converted now if it is not in the cache. @throws CheckpointError of any code */
export async function ensureGgufAdapter(options: EnsureAdapterOptions): Promise<string> {
  const { source, weights, repositoryPath, codec, onWaiting = () => undefined, signal } = options;
  if (await isFile(source)) {
    await validateGgufAdapter(source);
    return source;
  }
  const { config, weights: weightFile } = await adapterFiles(source);
  const shape = JSON.stringify(
    weights.map(({ ggufName, shape: dims, rotaryHeadRows }) => [ggufName, dims, rotaryHeadRows]),
  );
  const key = await sourceKey(source, [config, weightFile], ['lora', shape]);
  const folder = await findOrMake({
    repositoryPath,
    name: `${folderName(source)}-lora-${key}`,
    isComplete: (made) => isAdapter(join(made, ADAPTER_FILE)),
    make: (empty) =>
      convertAdapter({ folder: source, weights, path: join(empty, ADAPTER_FILE), codec, signal }),
    onWaiting,
    signal,
  });
  return join(folder, ADAPTER_FILE);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw missing(path, 'There is no such file or folder.', { cause: error });
  }
}

async function isAdapter(path: string): Promise<boolean> {
  try {
    await validateGgufAdapter(path);
    return true;
  } catch (error) {
    if (error instanceof CheckpointError && error.code !== 'checkpoint.unreadable') return false;
    throw error;
  }
}
