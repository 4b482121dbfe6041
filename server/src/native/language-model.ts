// A loaded language model and its vocabulary. Weights are owned here; contexts (decoder.ts) borrow them and close first.
import { Defect, NativeError } from '../errors.js';
import type { Runtime } from './runtime.js';
import { onWorker } from './symbols/bind.js';
import type { Pointer } from './symbols/structs.js';

/** enum llama_split_mode: whole layers, with their keys and values, on one device each. */
const SPLIT_LAYERS = 1;
/** At least as many as llama.cpp knows devices; it reads one share for each. */
const MAX_SHARES = 256;
/** enum llama_load_mode: read the file instead of mapping it. */
const LOAD_READ = 0;

/** What of a model is on GPUs. */
export interface GpuShare {
  /** From the last one on; the output counts as one. */
  readonly layers: number;
  /** Share of each GPU of the runtime, in any unit. */
  readonly tensorSplit: readonly number[];
}

export const NO_GPU: GpuShare = { layers: 0, tensorSplit: [] };

export interface LoadOptions {
  /** The way to cut text before it is encoded, for a file that does not name it; null leaves it to the file. */
  readonly preTokenizer: string | null;
  readonly onGpus: GpuShare;
}

export class LanguageModel {
  readonly runtime: Runtime;
  /** Width of an embedding row. */
  readonly width: number;
  /** Rows of the output: ids from 0, of which the tokenizer may know fewer. */
  readonly vocabularySize: number;
  readonly weightBytes: number;
  /** Only for decoder.ts. */
  readonly pointer: Pointer;
  readonly #vocabulary: Pointer;
  #isOpen = true;

  private constructor(runtime: Runtime, pointer: Pointer) {
    const { llama } = runtime;
    this.runtime = runtime;
    this.pointer = pointer;
    this.#vocabulary = llama.modelVocab(pointer);
    this.width = llama.modelWidth(pointer);
    this.vocabularySize = llama.vocabTokens(this.#vocabulary);
    this.weightBytes = llama.modelSize(pointer);
  }

  /**
   * Loads a GGUF file off the JavaScript thread.
   * @throws NativeError native.out_of_memory; native.call_failed, and the native log says why
   */
  static async load(
    runtime: Runtime,
    file: string,
    { preTokenizer, onGpus }: LoadOptions,
  ): Promise<LanguageModel> {
    const params = runtime.llama.modelDefaults();
    params.n_gpu_layers = onGpus.layers;
    params.split_mode = SPLIT_LAYERS;
    const devices = deviceList(runtime);
    params.devices = devices;
    const shares = Float32Array.from({ length: MAX_SHARES }, (_, index) => onGpus.tensorSplit[index] ?? 0);
    params.tensor_split = onGpus.tensorSplit.length === 0 ? null : shares;
    // Our kernels keep weights in an order of their own. Pages of a mapped file that were read once for that would stay beside them.
    if (runtime.kernels.kind === 'used') params.load_mode = LOAD_READ;
    // The reader puts dummy prefixes in front itself, because llama.cpp knows only one of the two rules of Llama tokenizers.
    const overrides: MetadataOverride[] = [['tokenizer.ggml.add_space_prefix', false]];
    if (preTokenizer !== null) overrides.push(['tokenizer.ggml.pre', preTokenizer]);
    params.kv_overrides = overrideArray(overrides);
    const pointer = await onWorker(runtime.llama.modelLoad, file, params);
    if (pointer === null) throw loadFailure(runtime, file);
    return new LanguageModel(runtime, pointer);
  }

  /** Ids of plain text: no BOS, no dummy prefix, no special token matched. */
  tokenize(text: string): number[] {
    if (text === '') return [];
    const bytes = Buffer.from(text, 'utf8');
    let ids = new Int32Array(bytes.length + 8); // at most one token a byte, and a prefix
    let count = this.#tokenizeInto(bytes, ids);
    if (count < 0) {
      ids = new Int32Array(-count);
      count = this.#tokenizeInto(bytes, ids);
    }
    if (count < 0)
      throw new NativeError(
        'native.call_failed',
        `llama_tokenize returned ${count} for a text of ${bytes.length} bytes.`,
      );
    return Array.from(ids.subarray(0, count));
  }

  #tokenizeInto(bytes: Uint8Array, ids: Int32Array): number {
    return this.runtime.llama.tokenize(this.#vocabulary, bytes, bytes.length, ids, ids.length, false, false);
  }

  /** Bytes of a token's text; empty for control tokens. */
  pieceBytes(token: number): Uint8Array {
    const { llama } = this.runtime;
    let bytes = new Uint8Array(64);
    let count = llama.tokenToPiece(this.#vocabulary, token, bytes, bytes.length, 0, false);
    if (count < 0) {
      bytes = new Uint8Array(-count);
      count = llama.tokenToPiece(this.#vocabulary, token, bytes, bytes.length, 0, false);
    }
    return bytes.subarray(0, Math.max(0, count));
  }

  /** How the vocabulary spells a token, `▁` or `Ġ` for a blank. @throws Defect for an id that it does not have */
  spelling(token: number): string {
    if (!Number.isInteger(token) || token < 0 || token >= this.vocabularySize)
      throw new Defect(`The vocabulary has no token ${token}.`);
    return this.runtime.llama.vocabText(this.#vocabulary, token);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.runtime.llama.modelFree(this.pointer);
  }
}

/** The model's devices, ended by null; null leaves it to llama.cpp, which takes all GPUs that its libraries know. */
function deviceList({ gpus, hidesGpus }: Runtime): BigUint64Array | null {
  return gpus.length === 0 && !hidesGpus
    ? null
    : BigUint64Array.from([...gpus.map(({ pointer }) => pointer), 0n]);
}

function loadFailure({ memoryFailure }: Runtime, file: string): NativeError {
  const line = memoryFailure();
  return line === undefined
    ? new NativeError(
        'native.call_failed',
        `llama_model_load_from_file cannot load ${file}; the log lines above say why.`,
      )
    : new NativeError(
        'native.out_of_memory',
        `The weights of ${file} do not fit: ${line}. A smaller quant_type or fewer gpu_layers need less.`,
      );
}

type MetadataOverride = readonly [key: string, value: boolean | string];

/**
 * An array of struct llama_model_kv_override (llama.h) and the terminating empty key: int tag, then char key[128], padded to 136
 * bytes, then a union of 128 bytes. Texts end with a NUL.
 */
function overrideArray(overrides: readonly MetadataOverride[]): Uint8Array {
  const TAG_BOOL = 2;
  const TAG_STR = 3;
  const ENTRY_BYTES = 264;
  const VALUE_OFFSET = 136;
  const MAX_TEXT_BYTES = 127;
  const bytes = Buffer.alloc((overrides.length + 1) * ENTRY_BYTES);
  for (const [index, [key, value]] of overrides.entries()) {
    const entry = bytes.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
    entry.writeInt32LE(typeof value === 'boolean' ? TAG_BOOL : TAG_STR, 0);
    entry.write(key, 4, MAX_TEXT_BYTES, 'utf8');
    if (typeof value === 'boolean') entry.writeUInt8(value ? 1 : 0, VALUE_OFFSET);
    else entry.write(value, VALUE_OFFSET, MAX_TEXT_BYTES, 'utf8');
  }
  return bytes;
}
