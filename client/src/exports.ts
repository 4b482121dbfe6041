// What both entry points export besides the client.
export type { FinishReason, GenerationMetadata, ListAnswer, PromptTimings, SingleAnswer } from './answers.js';
export * from './errors.js';
export type { GenerationStream } from './generation-stream.js';
export type {
  CallOptions,
  ChatMessage,
  ChatTemplateOptions,
  ClientOptions,
  DeleteReaderOptions,
  DetokenizeOptions,
  Fetch,
  GenerateOptions,
  ImageInput,
  ReaderSettings,
  RequestFields,
  TokenizeOptions,
} from './options.js';
export type {
  GroupedReader,
  Heartbeat,
  ManagementStatus,
  MaskedReader,
  ReaderDetails,
  ReaderGroups,
  ServerStatus,
} from './status.js';
export type { AddedReader, ReaderConfig } from './reader-answers.js';
export type { ListCount, PromptCounts, SingleCount, Tokens } from './token-answers.js';
export type { StreamPiece } from './stream-reading.js';
