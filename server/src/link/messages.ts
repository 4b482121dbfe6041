// The messages between gateway and reader, the same on child IPC and (later) on Redis Streams. Plain data only: what crosses
// is model-ready, so a reader needs no files of the gateway and the gateway none of the reader.
import type { ErrorCode, FinishReason } from 'takeoff-wire';
import type { VisionSettings } from '../model/description.js';

/** Sampling of one request, all defaults filled in and all ranges checked by the gateway. */
export interface SamplingParameters {
  /** 0 means greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 1 means greedy. */
  readonly topK: number;
  /** 1 means none. */
  readonly repetitionPenalty: number;
  /** 0 means off. */
  readonly noRepeatNgramSize: number;
  readonly maxNewTokens: number;
  readonly minNewTokens: number;
}

/** One image, ready for the vision tower. */
export interface ImagePayload {
  /** SHA-256 of the uploaded bytes, lower-case hex; computed by us, never taken from a client. */
  readonly sha256: string;
  /** Size of the oriented image before preprocessing, which decides the un-padding. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly sidePx: number;
  /** [tiles, sidePx, sidePx, 3] u8 RGB, row-major, base view first. */
  readonly tiles: Uint8Array;
}

/** A prompt in order: text typed by the user, and places where an image of the request stands. */
export type PromptPart =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'image'; readonly image: number };

/** A request for one or more sequences over the same images. Answered by exactly one terminal event per prompt. */
export interface GenerateMessage {
  readonly kind: 'generate';
  readonly requestId: string;
  readonly prompts: readonly (readonly PromptPart[])[];
  readonly images: readonly ImagePayload[];
  readonly useChatTemplate: boolean;
  /** Text of the prompt is cut to its first promptMaxTokens tokens; null means no cut. */
  readonly promptMaxTokens: number | null;
  readonly sampling: SamplingParameters;
}

export type ToReader =
  /** The first message of a connection, and only the first. */
  | { readonly kind: 'start'; readonly start: ReaderStart }
  | GenerateMessage
  /** The client went away: the request's sequences end as cancelled before the next step. */
  | { readonly kind: 'cancel'; readonly requestId: string }
  /** Finish what is accepted, then exit with 0. */
  | { readonly kind: 'drain' };

export interface Usage {
  /** Rows of the prompt, images included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly generatedTokens: number;
}

export interface TokenEvent {
  readonly kind: 'token';
  readonly requestId: string;
  readonly prompt: number;
  readonly text: string;
}
export interface DoneEvent {
  readonly kind: 'done';
  readonly requestId: string;
  readonly prompt: number;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
}
export interface ErrorEvent {
  readonly kind: 'error';
  readonly requestId: string;
  readonly prompt: number;
  readonly code: ErrorCode;
  readonly message: string;
}
export type RequestEvent = TokenEvent | DoneEvent | ErrorEvent;

/** What the gateway must know of a live reader. */
export interface ReaderCard {
  readonly modelName: string;
  /** The architecture, as /status shows it. */
  readonly modelType: string;
  readonly device: string;
  /** Positions one sequence may use, prompt and answer together. */
  readonly contextTokens: number;
  /** Sequences that run at the same time. */
  readonly maxSequences: number;
  /** Null when the model takes no images. */
  readonly vision: VisionSettings | null;
}

export type FromReader =
  | { readonly kind: 'loading'; readonly stage: string; readonly fraction: number | null }
  | { readonly kind: 'ready'; readonly card: ReaderCard }
  /** The model cannot be served; the process exits. The message is for the operator. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly message: string }
  /** Sent once a second: sequences that run, and how many steps and slices of vision work the engine has ended so far. */
  | { readonly kind: 'heartbeat'; readonly running: number; readonly steps: number }
  | RequestEvent;

/** What a reader process is started with. */
export interface ReaderStart {
  readonly readerId: string;
  /** A folder, a GGUF file or a hub id. */
  readonly modelName: string;
  readonly device: string;
  /** Where converted models are kept. */
  readonly repositoryPath: string;
  /** `auto`, or a type name such as q8_0. */
  readonly quantType: string;
  /** The same for the vision tower. */
  readonly visionQuantType: string;
  /** 0 means: what the model can hold. */
  readonly maxSequenceLength: number;
  readonly maxBatchSize: number;
  /** Null means: chosen from the model. */
  readonly chatTemplate: string | null;
  /** 0 means: one per physical core. */
  readonly threads: number;
  /** Folder of a llama.cpp to use instead of the npm packages; null means the packages. */
  readonly llamaLibDir: string | null;
  /** For the hub alone; never to be logged. */
  readonly accessToken: string | null;
  readonly hubEndpoint: string;
  /** Use what is cached and open no connection. */
  readonly hubOffline: boolean;
  /** Answer with the prompt instead of a model: for tests, and to measure everything around the model. */
  readonly echo: boolean;
}
