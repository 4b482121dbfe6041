// Converts a LoRA adapter of PEFT to the GGUF file that llama.cpp loads beside a model.
import { join } from 'node:path';
import type { TensorCodec } from '../../model/tensor-types.js';
import { transferTensors, type TransferTensor } from '../convert/transfer.js';
import { missing } from '../failures.js';
import { PositionalFile } from '../files/positional-file.js';
import { floatTypeOf, type StoredTensor } from '../files/stored-tensor.js';
import { f32, text } from '../gguf/value.js';
import { GgufWriter } from '../gguf/writer.js';
import { readSafetensors } from '../safetensors/safetensors-file.js';
import type { ExpectedTensor } from '../source/mapped-tensor.js';
import { fileNames } from '../source/weight-files.js';
import { readTorchFile } from '../torch/torch-file.js';
import { readAdapterConfig } from './adapter-config.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from './adapter-files.js';
import { adapterTensors } from './adapter-tensors.js';

const READERS = { 'adapter_model.safetensors': readSafetensors, 'adapter_model.bin': readTorchFile } as const;

interface AdapterFiles {
  readonly config: string;
  readonly weights: string;
  readonly read: (file: PositionalFile) => Promise<StoredTensor[]>;
}

/** The files of an adapter's folder. @throws CheckpointError checkpoint.missing */
export async function adapterFiles(folder: string): Promise<AdapterFiles> {
  const names = await fileNames(folder);
  const weights = ADAPTER_WEIGHTS.find((name) => names.includes(name));
  if (!names.includes(ADAPTER_CONFIG) || weights === undefined)
    throw missing(
      folder,
      `A LoRA adapter of PEFT has ${ADAPTER_CONFIG} and ${ADAPTER_WEIGHTS.join(' or ')}; a GGUF adapter is named by its file.`,
    );
  return { config: join(folder, ADAPTER_CONFIG), weights: join(folder, weights), read: READERS[weights] };
}

export interface AdapterConversion {
  readonly folder: string;
  /** Matrices of the model that the adapter is for. */
  readonly weights: readonly ExpectedTensor[];
  /** The GGUF file to write. */
  readonly path: string;
  readonly codec: TensorCodec;
  readonly signal?: AbortSignal | undefined;
}

/** @throws CheckpointError of any code; nothing is left behind but a complete file */
export async function convertAdapter(conversion: AdapterConversion): Promise<void> {
  const { folder, weights, path, codec, signal } = conversion;
  const files = await adapterFiles(folder);
  const { alpha } = await readAdapterConfig(files.config);
  const file = await PositionalFile.open(files.weights);
  try {
    const tensors = adapterTensors(await files.read(file), weights, file.name).map(
      (tensor): TransferTensor => ({
        tensor,
        // f16 holds what small matrices in bf16 say; f32 is kept, since somebody chose it.
        type: floatTypeOf(tensor.source) === 'F32' ? 'F32' : 'F16',
      }),
    );
    const metadata = new Map([
      ['general.type', text('adapter')],
      ['general.architecture', text('llama')],
      ['adapter.type', text('lora')],
      ['adapter.lora.alpha', f32(alpha)],
    ]);
    const planned = tensors.map(({ tensor, type }) => ({
      name: tensor.ggufName,
      dimensions: tensor.dimensions,
      type,
    }));
    const writer = await GgufWriter.create(path, metadata, planned);
    try {
      await transferTensors(tensors, writer, { codec, onChunk: () => undefined, signal });
      await writer.finish();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  } finally {
    await file.close();
  }
}
