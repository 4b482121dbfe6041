// The shapes of the request protocol, for whoever receives. Towards the gateway they are a protection: a reader runs native code
// over hostile images and is less trusted. Towards a reader they keep a message of another build from being misread. What a
// message has beyond its shape is dropped.
import { z } from 'zod';
import { imageTokenBudgetSchema } from '../../model/image-token-budget.js';
import { countSchema, errorCodeSchema, promptSchema, requestIdSchema } from './fields.js';
import type { CancelMessage, GenerateMessage, RequestEvent } from './messages.js';

/** A token's text is a few bytes, and a stop string may hold back some hundred. A megabyte would be an attack on the gateway. */
const MAX_EVENT_CHARACTERS = 65_536;
const MAX_PROMPTS = 1_000_000;

/** Held back with the text of a stop string, of a few hundred characters. */
const MAX_EVENT_TOKENS = 65_536;
const MAX_ALTERNATIVES = 100;
const MAX_FIELD_CHARACTERS = 256;

const image = z.object({
  sha256: z.string(),
  widthPx: z.int().min(1),
  heightPx: z.int().min(1),
  sidePx: z.int().min(1).nullable(),
  tiles: z.instanceof(Uint8Array),
});
const sampling = z.object({
  temperature: z.number().min(0),
  topP: z.number().min(0),
  topK: countSchema,
  minP: z.number().min(0),
  repetitionPenalty: z.number().min(0),
  frequencyPenalty: z.number(),
  presencePenalty: z.number(),
  logitBias: z.array(z.object({ token: countSchema, bias: z.number() })),
  noRepeatNgramSize: countSchema,
  maxNewTokens: countSchema,
  minNewTokens: countSchema,
  seed: countSchema.nullable(),
  stop: z.array(z.string()),
  topLogprobs: countSchema.max(MAX_ALTERNATIVES).nullable(),
});

/** Of a place in a request, such as `tools[127].function.parameters`. */
const field = z.string().max(MAX_FIELD_CHARACTERS);
const jsonSchema = z.object({ kind: z.literal('json_schema'), field, schema: z.string() });
const constraint = z.discriminatedUnion('kind', [
  jsonSchema,
  z.object({ kind: z.literal('regex'), field, pattern: z.string() }),
  z.object({ kind: z.literal('choices'), field, choices: z.array(z.string()).min(1) }),
  z.object({
    kind: z.literal('function_call'),
    field,
    functions: z.array(z.object({ name: z.string(), parameters: jsonSchema })).min(1),
  }),
]);

export const generateSchema = z.object({
  kind: z.literal('generate'),
  requestId: requestIdSchema,
  prompts: z.array(promptSchema).max(MAX_PROMPTS),
  images: z.array(image),
  promptMaxTokens: z.int().nullable(),
  imageTokenBudget: imageTokenBudgetSchema.nullable(),
  cacheSalt: z.string().nullable(),
  loraId: z.string().nullable(),
  sampling,
  constraint: constraint.nullable(),
}) satisfies z.ZodType<GenerateMessage>;

/** From the gateway, by kind. */
export const requestMessageSchema = z.discriminatedUnion('kind', [
  generateSchema,
  z.object({ kind: z.literal('cancel'), requestId: requestIdSchema }),
]) satisfies z.ZodType<GenerateMessage | CancelMessage>;

const address = { requestId: requestIdSchema, prompt: z.int().min(0).max(MAX_PROMPTS) };
const rankedToken = z.object({ bytes: z.instanceof(Uint8Array), logprob: z.number() });
const tokenLogprob = rankedToken.extend({ top: z.array(rankedToken).max(MAX_ALTERNATIVES) });
const durationMs = z.number().min(0);
const eventText = z.string().max(MAX_EVENT_CHARACTERS);

/** From the reader, by kind. */
export const requestEventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('token'),
    ...address,
    text: eventText,
    logprobs: z.array(tokenLogprob).max(MAX_EVENT_TOKENS).exactOptional(),
  }),
  z.object({
    kind: z.literal('done'),
    ...address,
    finishReason: z.enum(['stop', 'length', 'cancelled']),
    usage: z.object({
      promptTokens: countSchema,
      imageTokens: countSchema,
      cachedTokens: countSchema,
      generatedTokens: countSchema,
    }),
    constraintMs: z.number().min(0).exactOptional(),
    times: z.object({ visionMs: durationMs, prefillMs: durationMs, decodeMs: durationMs }),
  }),
  z.object({
    kind: z.literal('error'),
    ...address,
    code: errorCodeSchema,
    message: eventText,
    field: field.exactOptional(),
  }),
]) satisfies z.ZodType<RequestEvent>;
