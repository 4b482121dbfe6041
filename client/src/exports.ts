// What both entry points export besides the client.
export type { FinishReason, GenerationMetadata, ListAnswer, PromptTimings, SingleAnswer } from './answers.js';
export * from './errors.js';
export type { GenerationStream } from './generation-stream.js';
export type {
  CallOptions,
  ClientOptions,
  Fetch,
  GenerateOptions,
  ImageInput,
  RequestFields,
} from './options.js';
export type { ManagementStatus, MaskedReader, ReaderDetails, ServerStatus } from './status.js';
export type { StreamPiece } from './stream-reading.js';
