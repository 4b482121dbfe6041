// What the reader's loop needs of a language engine: batches of rows in, sampled tokens out. The real one drives llama.cpp
// (llama-engine.ts); the echo engine (echo-engine.ts) is deterministic and needs no native code. It knows nothing of images but
// rows of features. Calls never overlap: the loop awaits each one.
import type { InputError } from '../../errors.js';
import type { SamplingParameters } from '../../link/requests/messages.js';
import type { AnswerConstraint } from '../constraint/answer-constraint.js';
import type { Slot, TokenId } from '../ids.js';
import type { KvMemory } from '../kv/kv-owner.js';

export interface EngineLimits {
  /** Positions one sequence may use, prompt and answer together. */
  readonly contextTokens: number;
  /** KV cells shared by all sequences. */
  readonly cells: number;
  /** Sequences that are computed at the same time. */
  readonly maxSequences: number;
  /** Sequences that the cache can tell apart, ended ones included; at least maxSequences. */
  readonly slots: number;
  /** Rows of one step. */
  readonly maxRows: number;
  /** Rows that are computed together: those beyond a multiple of it cost as much as all of the next. 1 where that is not known. */
  readonly rowGroup: number;
}

/** Rows that take the place of tokens, in the order in which they stand in the prompt. */
export interface FeatureRows {
  readonly rows: number;
  /** f32 [width], a view. */
  row(index: number): Float32Array;
}

/** What takes a row's place at the model's input. */
export type RowSource =
  | { readonly kind: 'token'; readonly token: TokenId }
  /** Row `row` of the features. */
  | { readonly kind: 'features'; readonly features: FeatureRows; readonly row: number };

export interface StepRow {
  readonly slot: Slot;
  readonly position: number;
  readonly source: RowSource;
  /** Whether the next token is sampled from this row: the last of its sequence in the step. */
  readonly samples: boolean;
}

export interface SampledToken {
  readonly slot: Slot;
  readonly token: TokenId;
  /** Whether the token ends the sequence; such a token has no text. */
  readonly isEnd: boolean;
  /** Null where the sequence does not ask for them. */
  readonly logprobs: SampledLogprobs | null;
  /** Whether the answer is complete with the token's text, because its constraint lets nothing follow. */
  readonly isComplete?: boolean;
  /** Why the sequence cannot go on: its constraint costs too much, or no token fits it. The token means nothing then. */
  readonly failure?: InputError;
}

/** The log probability of a sampled token, and the most probable tokens in its place, best first. */
export interface SampledLogprobs {
  readonly logprob: number;
  readonly top: readonly { readonly token: TokenId; readonly logprob: number }[];
}

/** The sampling of a sequence that was put back: random numbers and tokens so far, kept until it goes on. */
export interface SuspendedSampling {
  /** Lets go of it; the sequence does not go on. */
  discard(): void;
}

/** Adapters that come and go while a model is loaded. To be called while no step is under way. */
export interface AdapterMemory {
  /**
   * @param id by which steps name it, which no adapter has had before
   * @throws NativeError when the file does not fit the model, or there is no memory for it
   */
  loadAdapter(id: string, file: string): Promise<void>;
  /** No sequence goes through it any more. */
  unloadAdapter(id: string): void;
}

/** `share` and `forget` are for the owner of the KV cache alone (kv/). */
export interface LanguageEngine extends KvMemory {
  readonly limits: EngineLimits;
  /** Bytes of keys and values of one KV cell. */
  readonly cellBytes: number;
  /** Prepares the sampling of a sequence that starts in the slot; takes the constraint over. */
  begin(slot: Slot, sampling: SamplingParameters, constraint?: AnswerConstraint | null): void;
  /**
   * Computes one batch, all rows of which go through the adapter of this id, or through the model as it is. Rows of one slot are in order of
   * position. Tokens come in the order of the sampling rows. Features are read before it returns its promise, and not afterwards.
   */
  step(rows: readonly StepRow[], adapter?: string | null): Promise<readonly SampledToken[]>;
  /** Ends the sampling of the slot's sequence; its cells stay until they are forgotten. */
  end(slot: Slot): void;
  /** Ends it in this slot, to go on in another one. */
  suspend(slot: Slot): SuspendedSampling;
  /** Goes on in a slot. */
  resume(slot: Slot, suspended: SuspendedSampling): void;
  close(): void;
}
