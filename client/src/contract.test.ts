// The library describes the HTTP contract in types of its own, so that its users need no other package. Here the compiler
// compares them with wire: a field that is added there fails `npm run types` until it is added here.
import { expectTypeOf, it } from 'vitest';
import type {
  GenerateRequest,
  GenerateResponse,
  GenerationMetadata as WireMetadata,
  ManagementStatus as WireManagementStatus,
  PromptTimings as WireTimings,
  StatusResponse,
} from 'takeoff-wire';
import type { GenerationMetadata, ListAnswer, PromptTimings, SingleAnswer } from './answers.js';
import type { RequestFields } from './options.js';
import type { ManagementStatus, ServerStatus } from './status.js';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;
type InCamelCase<T> = { [K in keyof T as K extends string ? Camel<K> : never]: T[K] };
type Optional<T> = { readonly [K in keyof T]?: Exclude<T[K], null> | undefined };
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

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
