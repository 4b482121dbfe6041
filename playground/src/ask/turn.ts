// One question and its answer, from the click to the last token. A turn is in exactly one state, and ends in one that is not open.
import type { Signal } from '@preact/signals';
import type { GenerationMetadata, RequestFields } from 'takeoff-client';
import type { StageTime } from './stage-times.js';

export type TurnState =
  /** The image is redrawn, or the request is on its way. `fraction` is from 0 to 1. */
  | { readonly kind: 'sending'; readonly fraction: number }
  /** The server has it all. `ahead`: requests that must end before it is its turn. */
  | { readonly kind: 'waiting'; readonly ahead: number }
  /** The model reads the image and the prompt. */
  | { readonly kind: 'reading' }
  | { readonly kind: 'writing' }
  | { readonly kind: 'done'; readonly facts: AnswerFacts }
  | { readonly kind: 'stopped'; readonly facts: AnswerFacts | null }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Brought back from an earlier visit, which left the answer alone. */
  | { readonly kind: 'kept' };

/** What is known of an answer that has ended. */
export interface AnswerFacts {
  readonly metadata: GenerationMetadata | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  readonly stages: readonly StageTime[];
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** How long the server asks to wait before the same is asked again. */
  readonly retryAfterMs: number | null;
}

/** An image as it was sent. */
export interface SentImage {
  readonly blob: Blob;
  /** The same at hand, where it is. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly name: string;
}

/** A question as it was asked: what is needed to ask it again, or to show it as a program. */
export interface Question {
  readonly text: string;
  readonly options: RequestFields;
  readonly image: SentImage | null;
}

export interface Turn {
  readonly id: string;
  readonly question: Question;
  readonly state: Signal<TurnState>;
  readonly answer: Signal<string>;
}

export const isOpen = ({ kind }: TurnState): boolean =>
  kind === 'sending' || kind === 'waiting' || kind === 'reading' || kind === 'writing';
