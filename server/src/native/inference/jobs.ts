// Jobs of the inference thread and their answers. Jobs are plain data: addresses are numbers to JavaScript, and the memory
// behind them belongs to the whole process.
import type { LlamaBatch, Pointer } from '../symbols/structs.js';

/** Tokens that must not be sampled from a row. */
export interface BannedTokens {
  /** All ids from here on. */
  readonly from: number;
  readonly tokens: readonly number[];
}

/** A token to sample from a row of the batch that was decoded. */
export interface SampleJob {
  /** Index of the row in the batch; it must have asked for logits. */
  readonly row: number;
  readonly sampler: Pointer;
  readonly banned: BannedTokens;
  /** How many alternatives are told with the token's log probability; null where none is told. */
  readonly topLogprobs: number | null;
  readonly tentative?: TentativeSample;
}

/** A token that was sampled. */
export interface Sampled {
  readonly token: number;
  /** Null where the job did not ask for it. */
  readonly logprobs: SampledLogprobs | null;
}

export interface SampledLogprobs {
  readonly logprob: number;
  /** Best first. */
  readonly top: readonly RankedId[];
}

/** A row of the vocabulary and its natural log probability. */
export interface RankedId {
  readonly token: number;
  readonly logprob: number;
}

/**
 * The sampler does not remember the token, which may still be refused, and the logits stay as they are, so that the row can be
 * sampled again.
 */
export interface TentativeSample {
  /** A bit for each token that may be selected, the first in the lowest bit. Null allows all. */
  readonly allowed: Uint32Array | null;
}

/** In the place of a token where none could be selected. */
export const NO_TOKEN = -1;

export type InferenceJob =
  /** Computes a ggml graph. */
  | { readonly kind: 'graph'; readonly backend: Pointer; readonly graph: Pointer }
  /** Decodes a batch, then samples from its rows in the given order. */
  | {
      readonly kind: 'decode';
      readonly context: Pointer;
      readonly batch: LlamaBatch;
      readonly vocabularySize: number;
      readonly samples: readonly SampleJob[];
    }
  /** Samples from rows of the last decode again. */
  | {
      readonly kind: 'sample';
      readonly context: Pointer;
      readonly vocabularySize: number;
      readonly samples: readonly SampleJob[];
    };

export interface InferenceResult {
  /** What ggml_backend_graph_compute or llama_decode returned. */
  readonly status: number;
  /** One for each sample; none unless the status is 0. */
  readonly sampled: readonly Sampled[];
}

/** What the thread is started with. */
export interface InferenceSetup {
  /** Folder of the libraries that the process has opened. */
  readonly folder: string;
  /** Memory of the mailbox. */
  readonly mailbox: SharedArrayBuffer;
}

/** What the thread says when a job is over: null when the mailbox has its result, otherwise why there is none. */
export type InferenceAnswer = null | { readonly failure: string };
