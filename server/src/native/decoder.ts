// A decoding context: KV cells, and batches of embedding rows in, logits out. Every row is an embedding, so text, images
// and the next tokens of other sequences mix in one batch. One decode at a time; logits are valid until the next one.
import koffi from 'koffi';
import { Defect, NativeError } from '../errors.js';
import { TENSOR_TYPES, type TensorType } from '../model/tensor-types.js';
import type { LoraAdapter } from './adapter.js';
import type { LanguageModel } from './language-model.js';
import type { Sampler } from './sampler.js';
import type { BannedTokens, Sampled, SampleJob, TentativeSample } from './inference/jobs.js';
import type { Runtime } from './runtime.js';
import type { LlamaBatch, Pointer } from './symbols/structs.js';

/** enum llama_flash_attn_type */
const FLASH_AUTO = -1;
const FLASH_OFF = 0;
const FLASH_ON = 1;

/** What llama_decode returns for GGML_STATUS_ALLOC_FAILED. */
const ALLOCATION_FAILED = -2;

export interface DecoderOptions {
  /** KV cells shared by all sequences. */
  readonly cells: number;
  /** Sequences of one batch. */
  readonly maxSequences: number;
  /** Rows of one batch, and so of the activation memory. */
  readonly maxRows: number;
  readonly kvType: Extract<TensorType, 'F32' | 'F16' | 'Q8_0' | 'Q4_0'>;
  /** Compute threads, at most as many as the runtime's pool has. */
  readonly threads: number;
  /** Flash attention where the library finds it useful; off for exact f32. */
  readonly usesFlashAttention: boolean;
}

/** A token to sample from a row of the batch. */
export interface RowSample {
  /** Index of the row in the batch; it must want logits. */
  readonly row: number;
  /** Selects the token and remembers it. */
  readonly sampler: Sampler;
  readonly banned: BannedTokens;
  /** How many alternatives are told with the token's log probability; null where none is told. */
  readonly topLogprobs: number | null;
  /** Not set for a sampler that remembers at once what it selects. Otherwise `accept` tells it what was taken in the end. */
  readonly tentative?: TentativeSample;
}

export type DecodeOutcome =
  /** With a token for each sample, in order. */
  | { readonly kind: 'done'; readonly sampled: readonly Sampled[] }
  /** The cache has no room for the batch; all sequences are as they were before. */
  | { readonly kind: 'no-cells' };

export class Decoder {
  readonly cells: number;
  /** Sequences that the cells can be tagged with: more than a batch may have, because the cache is one for all. */
  readonly sequences: number;
  readonly maxRows: number;
  readonly model: LanguageModel;
  /** Rows of the batch being built: f32 [maxRows, width]. */
  readonly #rows: Float32Array;
  readonly #positions: Int32Array;
  readonly #sequences: Int32Array;
  readonly #wantsLogits: Int8Array;
  readonly #batch: LlamaBatch;
  readonly #memory: readonly Pointer[];
  readonly #context: Pointer;
  readonly #kv: Pointer;
  #rowCount = 0;
  #adapter: LoraAdapter | null = null;
  #state: 'idle' | 'decoding' | 'closed' = 'idle';

  constructor(model: LanguageModel, options: DecoderOptions) {
    const { llama, threadpool } = model.runtime;
    const params = llama.contextDefaults();
    params.n_ctx = options.cells;
    params.n_batch = options.maxRows;
    params.n_ubatch = options.maxRows;
    params.n_seq_max = options.maxSequences;
    params.n_outputs_max = Math.min(options.maxRows, Math.max(options.maxSequences, 8));
    params.n_threads = options.threads;
    params.n_threads_batch = options.threads;
    params.type_k = TENSOR_TYPES[options.kvType].ggmlId;
    params.type_v = TENSOR_TYPES[options.kvType].ggmlId;
    params.flash_attn_type = flashType(model.runtime, options);
    params.kv_unified = true;
    const context = llama.contextNew(model.pointer, params);
    if (context === null) {
      throw new NativeError(
        model.runtime.memoryFailure() === undefined ? 'native.call_failed' : 'native.out_of_memory',
        `llama_init_from_model failed for ${options.cells} KV cells; the log lines above say why. A smaller max_sequence_length or max_batch_size needs less memory.`,
      );
    }
    llama.attachThreadpool(context, threadpool, threadpool);
    this.#context = context;
    this.#kv = llama.memory(context);
    this.model = model;
    this.cells = llama.contextCells(context);
    this.sequences = llama.maxSequences();
    this.maxRows = options.maxRows;

    const n = options.maxRows;
    const floats = allocate(n * model.width * 4);
    const integers = allocate(n * 4 * 3);
    const idPointers = allocate(n * 8);
    const flags = allocate(n);
    this.#memory = [floats.pointer, integers.pointer, idPointers.pointer, flags.pointer];
    this.#rows = new Float32Array(floats.buffer, 0, n * model.width);
    this.#positions = new Int32Array(integers.buffer, 0, n);
    this.#sequences = new Int32Array(integers.buffer, n * 4, n);
    new Int32Array(integers.buffer, n * 8, n).fill(1); // n_seq_id: each row belongs to one sequence
    const sequences = integers.pointer + BigInt(n * 4);
    new BigUint64Array(idPointers.buffer, 0, n).forEach((_, i, pointers) => {
      pointers[i] = sequences + BigInt(i * 4);
    });
    this.#wantsLogits = new Int8Array(flags.buffer, 0, n);
    this.#batch = {
      n_tokens: 0,
      token: null,
      embd: floats.pointer,
      pos: integers.pointer,
      n_seq_id: integers.pointer + BigInt(n * 8),
      seq_id: idPointers.pointer,
      logits: flags.pointer,
    };
  }

  /** Starts a new batch, all rows of which go through the adapter; null takes the model as it is. */
  begin(adapter: LoraAdapter | null = null): void {
    this.#check('idle');
    this.#rowCount = 0;
    if (adapter !== this.#adapter) this.#switchTo(adapter);
  }

  /** Sees to it that nothing refers to the adapter any more, so that it can be freed. */
  leave(adapter: LoraAdapter): void {
    this.#check('idle');
    if (adapter === this.#adapter) this.#switchTo(null);
  }

  /**
   * Adds a row and returns its memory, f32 [width], to be filled before decode.
   * @param wantsLogits whether this row's logits can be read after the decode
   */
  addRow(sequence: number, position: number, wantsLogits: boolean): Float32Array {
    const row = this.#rowCount;
    if (row >= this.maxRows) throw new Defect(`A batch holds ${this.maxRows} rows.`);
    this.#positions[row] = position;
    this.#sequences[row] = sequence;
    this.#wantsLogits[row] = wantsLogits ? 1 : 0;
    this.#rowCount = row + 1;
    const { width } = this.model;
    return this.#rows.subarray(row * width, (row + 1) * width);
  }

  /** Computes the batch and samples from its rows, both off the JavaScript thread. */
  async decode(samples: readonly RowSample[] = []): Promise<DecodeOutcome> {
    this.#check('idle');
    this.#state = 'decoding';
    this.#batch.n_tokens = this.#rowCount;
    const { runtime, vocabularySize } = this.model;
    const { status, sampled } = await runtime.inference
      .run({
        kind: 'decode',
        context: this.#context,
        batch: this.#batch,
        vocabularySize,
        samples: samples.map(toJob),
      })
      .finally(() => {
        this.#state = 'idle';
      });
    if (status === 0) return { kind: 'done', sampled };
    if (status === 1) return { kind: 'no-cells' };
    if (status === ALLOCATION_FAILED)
      throw new NativeError(
        'native.out_of_memory',
        `The device has no memory for a step of ${this.#rowCount} rows; other programs may have taken it since the start. ${runtime.memoryFailure() ?? ''}`,
      );
    throw new NativeError(
      'native.call_failed',
      `llama_decode returned ${status} for ${this.#rowCount} rows; the sequences of the batch are in an undefined state.`,
    );
  }

  /** Samples from rows of the last batch again, off the JavaScript thread; NO_TOKEN where none may be selected. */
  async sampleAgain(samples: readonly RowSample[]): Promise<readonly Sampled[]> {
    this.#check('idle');
    this.#state = 'decoding';
    const { runtime, vocabularySize } = this.model;
    const { sampled } = await runtime.inference
      .run({ kind: 'sample', context: this.#context, vocabularySize, samples: samples.map(toJob) })
      .finally(() => {
        this.#state = 'idle';
      });
    return sampled;
  }

  /** Logits of a row of the last batch, f32 [vocabularySize], a view that is valid until the next decode. */
  logits(row: number): Float32Array {
    this.#check('idle');
    const pointer = this.model.runtime.llama.logits(this.#context, row);
    if (pointer === null) throw new Defect(`Row ${row} of the last batch has no logits.`);
    return new Float32Array(koffi.view(pointer, this.model.vocabularySize * 4));
  }

  /** Lets another sequence hold the cells that a sequence has from position `first` up to, not with, `end`. Nothing is copied. */
  share(from: number, to: number, first: number, end: number): void {
    this.#check('idle');
    this.model.runtime.llama.memoryShare(this.#kv, from, to, first, end);
  }

  /** Lets go of a sequence's cells in these positions, by default all; those that no other sequence holds are free then. */
  forget(sequence: number, first = 0, end = -1): void {
    this.#check('idle');
    this.model.runtime.llama.memoryRemove(this.#kv, sequence, first, end);
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#check('idle');
    this.#state = 'closed';
    this.model.runtime.llama.contextFree(this.#context);
    for (const pointer of this.#memory) koffi.free(pointer);
  }

  #switchTo(adapter: LoraAdapter | null): void {
    const { llama } = this.model.runtime;
    const status =
      adapter === null
        ? llama.setAdapters(this.#context, null, 0, null)
        : llama.setAdapters(this.#context, BigUint64Array.of(adapter.pointer), 1, Float32Array.of(1));
    if (status !== 0)
      throw new NativeError('native.call_failed', `llama_set_adapters_lora returned ${status}.`);
    this.#adapter = adapter;
  }

  #check(wanted: 'idle'): void {
    if (this.#state !== wanted)
      throw new Defect(`The decoder is ${this.#state}; this call needs it ${wanted}.`);
  }
}

const toJob = ({ sampler, ...wanted }: RowSample): SampleJob => ({ ...wanted, sampler: sampler.pointer });

/** Native memory, which C may keep pointers to, as an ArrayBuffer over the same bytes. */
function allocate(byteLength: number): { readonly pointer: Pointer; readonly buffer: ArrayBuffer } {
  const pointer = koffi.alloc('uint8_t', byteLength) as Pointer;
  return { pointer, buffer: koffi.view(pointer, byteLength) };
}

/** auto would switch it off beside our kernels: their device computes it and the CPU's holds the cache, which llama.cpp takes for a mistake. */
function flashType({ kernels }: Runtime, { kvType, usesFlashAttention }: DecoderOptions): number {
  // Quantised values exist with it alone.
  if (kvType === 'Q8_0' || kvType === 'Q4_0') return FLASH_ON;
  if (!usesFlashAttention) return FLASH_OFF;
  return kernels.kind === 'used' ? FLASH_ON : FLASH_AUTO;
}
