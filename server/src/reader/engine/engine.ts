import type { ImagePayload, SamplingParameters } from '../../link/requests/messages.js';
// What the reader's loop needs of an inference engine. The real one drives llama.cpp (llama-engine.ts); the echo engine
// (echo-engine.ts) is deterministic and needs no native code. Calls never overlap: the loop awaits each one.

/** Index of a running sequence's place in the KV cache, 0 … maxSequences − 1. */
export type Slot = number;

export interface EngineLimits {
  /** Positions one sequence may use, prompt and answer together. */
  readonly contextTokens: number;
  /** KV cells shared by all sequences. */
  readonly cells: number;
  readonly maxSequences: number;
  /** Rows of one step. */
  readonly maxRows: number;
}

/** What takes a row's place at the model's input. */
export type RowSource =
  | { readonly kind: 'token'; readonly token: number }
  /** Row `row` of f32 [rows, width] image features. */
  | { readonly kind: 'image'; readonly features: ImageFeatures; readonly row: number };

/** Projected features of one image, f32 [rows, width], in the order in which they stand in the prompt. */
export interface ImageFeatures {
  readonly rows: number;
  readonly values: Float32Array;
}

export interface StepRow {
  readonly slot: Slot;
  readonly position: number;
  readonly source: RowSource;
  /** Whether the next token is sampled from this row: the last of its sequence in the step. */
  readonly samples: boolean;
}

export interface SampledToken {
  readonly slot: Slot;
  readonly token: number;
  /** Whether the token ends the sequence; such a token has no text. */
  readonly isEnd: boolean;
}

/** An encoding cut into slices, so that running sequences are served between them. */
export interface ImageEncoding {
  /** Runs one slice. Features when it was the last. */
  advance(): Promise<ImageFeatures | undefined>;
}

export interface Engine {
  readonly limits: EngineLimits;
  /** Rows that the image takes in the prompt; known before any encoding. */
  imageRows(widthPx: number, heightPx: number): number;
  startEncoding(image: ImagePayload): ImageEncoding;
  /** Claims a slot for a new sequence. */
  open(slot: Slot, sampling: SamplingParameters): void;
  /** Computes one batch. Rows of one slot are in order of position. Tokens come in the order of the sampling rows. */
  step(rows: readonly StepRow[]): Promise<readonly SampledToken[]>;
  /** Frees a slot and its cells; the slot may be opened again. */
  release(slot: Slot): void;
  close(): void;
}
