// A GGUF pair on disk to a running engine: language model, KV cache, embedding table, tokenizer, vision tower.
import { closeSync, openSync } from 'node:fs';
import type { GgufFile } from '../../checkpoint/gguf/gguf-file.js';
import type { GgufPair } from '../../checkpoint/pair/open-pair.js';
import { CheckpointError } from '../../errors.js';
import type { ModelDescription } from '../../model/description.js';
import type { CacheBits } from '../../model/cache-bits.js';
import type { MemorySize } from '../../model/memory-size.js';
import { isTensorType, TENSOR_TYPES } from '../../model/tensor-types.js';
import { LoraAdapter } from '../../native/adapter.js';
import { Decoder } from '../../native/decoder.js';
import { EmbeddingRows, type EmbeddingTable } from '../../native/embedding-rows.js';
import { rowGroup } from '../../native/kernels/kernels.js';
import { LanguageModel } from '../../native/language-model.js';
import type { Runtime } from '../../native/runtime.js';
import type { EngineLimits } from '../engine/engine.js';
import { LlamaEngine } from '../engine/llama-engine.js';
import { createNativeTokenizer } from '../engine/native-tokenizer.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import type { TowerEncoder } from '../vision/tower-encoder.js';
import { kvBytesPerCell, kvTypeOf } from './kv-type.js';
import { loadTowerEncoder, TILES_PER_RUN } from './load-tower-encoder.js';
import { placePair, type PairPlace } from './place-pair.js';

export interface PairOptions {
  /** 0: as many positions as the model holds. */
  readonly maxSequenceLength: number;
  readonly maxSequences: number;
  /** Memory of the KV cache; null lets the free memory decide. */
  readonly pageCacheSize: MemorySize | null;
  /** Compute threads; null lets the size of the model decide. */
  readonly threads: number | null;
  /** f32 KV cache and no flash attention: the arithmetic of the reference. */
  readonly isExact: boolean;
  /** GGUF files of LoRA adapters, by the ids that steps name; absent: none. */
  readonly adapters?: ReadonlyMap<string, string>;
  /** Null, or absent: as exact as `isExact` says. */
  readonly cacheBits?: CacheBits | null;
  /** Absent: as many as fit. Without GPUs it means nothing. */
  readonly gpuLayers?: number | 'auto';
  /** How often the KV cache is halved; absent: never. */
  readonly kvHalvings?: number;
  /** Told where the parts of the model go, where there is something to decide. */
  readonly onPlaced?: (explanation: string) => void;
}

/** A loaded model with its parts, which parity tests and benchmarks look into. Closing engine and encoder closes them all. */
export interface LoadedPair {
  readonly engine: LlamaEngine;
  /** Null for a model without a vision tower. */
  readonly encoder: TowerEncoder | null;
  readonly tokenizer: Tokenizer;
  readonly description: ModelDescription;
  readonly model: LanguageModel;
  readonly decoder: Decoder;
  readonly embeddings: EmbeddingRows;
}

/**
 * Below this size a step takes well under a millisecond, and a second thread gains a fifth at best. But ggml's threads wait for
 * each other by spinning: on a machine that is busy otherwise, two of them make a tiny model a hundred times slower.
 */
const ONE_THREAD_BYTES = 64 * 2 ** 20;
/** Of the type that most of a model has. */
const MATRIX = 'blk.0.ffn_up.weight';
/** Rows of one llama.cpp batch; its activation memory grows with it. */
const MAX_ROWS = 512;

/** Loads an open pair; the pair stays the caller's and may be closed afterwards. */
export async function loadPair(runtime: Runtime, pair: GgufPair, options: PairOptions): Promise<LoadedPair> {
  const { description } = pair;
  const threads = options.threads ?? (pair.model.sizeBytes < ONE_THREAD_BYTES ? 1 : runtime.threads);
  runtime.setTowerThreads(threads);
  const place = placeParts(runtime, pair, options);
  if (place.explanation !== null) options.onPlaced?.(place.explanation);
  const { preTokenizer } = pair;
  const model = await LanguageModel.load(runtime, pair.model.path, { preTokenizer, onGpus: place.onGpus });
  const decoder = createDecoder(model, place.cells, threads, options);
  const table = openEmbeddingTable(pair.model);
  const embeddings = new EmbeddingRows(runtime, table);
  const adapters = new Map<string, LoraAdapter>();
  for (const [id, file] of options.adapters ?? []) adapters.set(id, await LoraAdapter.load(model, file));
  const encoder = await openEncoder(runtime, pair, model.width, options.isExact);
  const limits: EngineLimits = {
    contextTokens: contextOf(description, options),
    cells: decoder.cells,
    maxSequences: options.maxSequences,
    slots: decoder.sequences,
    maxRows: decoder.maxRows,
    rowGroup: rowGroup(runtime.kernels, pair.model.tensors.get(MATRIX)?.type),
  };
  const closeParts = () => {
    decoder.close();
    for (const adapter of adapters.values()) adapter.close();
    model.close();
    closeSync(table.descriptor);
  };
  const engine = new LlamaEngine({
    limits,
    cellBytes: kvBytesPerCell(pair.model, kvTypeOf(options.cacheBits ?? null, options.isExact)),
    decoder,
    embeddings,
    tokenizer: description.tokenizer,
    adapters,
    closeParts,
  });
  const tokenizer = createNativeTokenizer(model, description.tokenizer);
  return { engine, encoder, tokenizer, description, model, decoder, embeddings };
}

const contextOf = (description: ModelDescription, { maxSequenceLength }: PairOptions): number =>
  maxSequenceLength === 0
    ? description.contextTokens
    : Math.min(maxSequenceLength, description.contextTokens);

function placeParts(runtime: Runtime, pair: GgufPair, options: PairOptions): PairPlace {
  const { maxSequences, pageCacheSize, isExact, cacheBits = null } = options;
  return placePair(runtime, pair, {
    bytesPerCell: kvBytesPerCell(pair.model, kvTypeOf(cacheBits, isExact)),
    contextTokens: contextOf(pair.description, options),
    maxSequences,
    pageCacheSize,
    maxRows: maxRowsOf(options),
    gpuLayers: options.gpuLayers ?? 'auto',
    kvHalvings: options.kvHalvings ?? 0,
    tilesPerRun: TILES_PER_RUN,
  });
}

const maxRowsOf = ({ maxSequences }: PairOptions): number => Math.max(MAX_ROWS, maxSequences);

function createDecoder(model: LanguageModel, cells: number, threads: number, options: PairOptions): Decoder {
  const { maxSequences, isExact, cacheBits = null } = options;
  return new Decoder(model, {
    cells,
    maxSequences,
    maxRows: maxRowsOf(options),
    threads,
    kvType: kvTypeOf(cacheBits, isExact),
    usesFlashAttention: !isExact,
  });
}

async function openEncoder(
  runtime: Runtime,
  pair: GgufPair,
  textWidth: number,
  isExact: boolean,
): Promise<TowerEncoder | null> {
  const settings = pair.description.vision;
  if (pair.projector === null || settings === null) return null;
  return loadTowerEncoder(runtime, { ...pair.projector, settings, textWidth, isExact });
}

function openEmbeddingTable(file: GgufFile): EmbeddingTable {
  const tensor = file.tensors.get('token_embd.weight');
  const [width, rows] = tensor?.dimensions ?? [];
  if (tensor === undefined || width === undefined || rows === undefined || !isTensorType(tensor.type)) {
    const got = tensor === undefined ? 'missing' : `of type ${tensor.type}`;
    throw new CheckpointError(
      'checkpoint.unsupported',
      `${file.name}: token_embd.weight is ${got}; it must be a matrix of one of ${Object.keys(TENSOR_TYPES).join(', ')}.`,
    );
  }
  const descriptor = openSync(file.pathOf(tensor), 'r');
  return { descriptor, offset: tensor.offsetBytes, type: tensor.type, width, rows };
}
