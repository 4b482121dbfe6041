// The library describes the HTTP contract in types of its own, so that its users need no other package. Here the compiler
// compares them with wire: a field that is added there fails `npm run types` until it is added here.
import { expectTypeOf, it } from 'vitest';
import type {
  AddedReader as WireAddedReader,
  ChatTemplateRequest,
  CountResponse,
  DetokenizeRequest,
  Frozen,
  GenerateRequest,
  GenerateResponse,
  GenerationMetadata as WireMetadata,
  ManagementStatus as WireManagementStatus,
  PromptCounts as WirePromptCounts,
  PromptTimings as WireTimings,
  ReaderConfig as WireReaderConfig,
  ReaderGroups as WireReaderGroups,
  StatusResponse,
  TokenizeRequest,
  TokenizeResponse,
} from 'takeoff-wire';
import type { DEVICES } from '../../server/src/model/device.js';
import type { GenerationMetadata, ListAnswer, PromptTimings, SingleAnswer } from './answers.js';
import type {
  CallOptions,
  ChatMessage,
  ChatTemplateOptions,
  DetokenizeOptions,
  ReaderSettings,
  RequestFields,
  TokenizeOptions,
} from './options.js';
import type { AddedReader, ReaderConfig } from './reader-answers.js';
import type { ManagementStatus, ReaderGroups, ServerStatus } from './status.js';
import type { ListCount, PromptCounts, SingleCount, Tokens } from './token-answers.js';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;
type InCamelCase<T> = { [K in keyof T as K extends string ? Camel<K> : never]: T[K] };
type Optional<T> = { readonly [K in keyof T]?: Exclude<T[K], null> | undefined };

it('RequestFields has every field of GenerateRequest, in camelCase', () => {
  // `text` is an argument of its own; paths that a client sends are never opened by a server.
  expectTypeOf<RequestFields>().toEqualTypeOf<
    Optional<InCamelCase<Omit<GenerateRequest, 'text' | 'image_paths'>>>
  >();
});

it('answers and metadata have the types of GenerateResponse', () => {
  expectTypeOf<Omit<GenerationMetadata, 'timings'>>().toEqualTypeOf<
    InCamelCase<Omit<WireMetadata, 'timings'>>
  >();
  expectTypeOf<PromptTimings>().toEqualTypeOf<InCamelCase<WireTimings>>();
  expectTypeOf<GenerationMetadata['timings']>().toEqualTypeOf<PromptTimings | undefined>();
  expectTypeOf<SingleAnswer['text'] | ListAnswer['text']>().toEqualTypeOf<GenerateResponse['text']>();
});

it('ServerStatus and ManagementStatus equal the types of wire', () => {
  expectTypeOf<ServerStatus>().toEqualTypeOf<Frozen<StatusResponse>>();
  expectTypeOf<ManagementStatus>().toEqualTypeOf<Frozen<WireManagementStatus>>();
});

it('ReaderGroups, AddedReader and ReaderConfig equal the types of wire', () => {
  // Flat, as those of wire are: a reader of a group is put together of two types here.
  expectTypeOf<Frozen<ReaderGroups>>().toEqualTypeOf<Frozen<WireReaderGroups>>();
  expectTypeOf<AddedReader['reader_id']>().toEqualTypeOf<WireAddedReader['reader_id']>();
  expectTypeOf<ReaderConfig['takeoff']>().toEqualTypeOf<Frozen<WireReaderConfig['takeoff']>>();
});

it('options of the token tools have every field of their requests, in camelCase', () => {
  type OptionsOf<Options> = Omit<Options, keyof CallOptions>;
  expectTypeOf<OptionsOf<TokenizeOptions>>().toEqualTypeOf<
    Frozen<Optional<InCamelCase<Omit<TokenizeRequest, 'text'>>>>
  >();
  expectTypeOf<OptionsOf<DetokenizeOptions>>().toEqualTypeOf<
    Optional<InCamelCase<Omit<DetokenizeRequest, 'tokens'>>>
  >();
  expectTypeOf<OptionsOf<ChatTemplateOptions>>().toEqualTypeOf<
    Optional<InCamelCase<Omit<ChatTemplateRequest, 'inputs'>>>
  >();
  expectTypeOf<ChatMessage>().toExtend<Frozen<ChatTemplateRequest['inputs'][number][number]>>();
});

it('answers of the token tools have the types of wire, in camelCase', () => {
  expectTypeOf<Tokens>().toEqualTypeOf<Frozen<InCamelCase<TokenizeResponse>>>();
  expectTypeOf<PromptCounts>().toEqualTypeOf<Frozen<InCamelCase<WirePromptCounts>>>();
  expectTypeOf<(SingleCount & ListCount)['contextTokens']>().toEqualTypeOf<CountResponse['context_tokens']>();
});

it('ReaderSettings names every device that a reader can have', () => {
  expectTypeOf<NonNullable<ReaderSettings['device']>>().toEqualTypeOf<(typeof DEVICES)[number]>();
});
