// The shapes of questions and of what answers them, for whoever receives.
import { z } from 'zod';
import { imageTokenBudgetSchema } from '../../model/image-token-budget.js';
import { conversationSchema, countSchema, errorCodeSchema, promptSchema, requestIdSchema } from './fields.js';
import type { AnswerToQuestion, AskMessage } from './questions.js';

/** Of one answer. A prompt of megabytes has fewer tokens; more would be an attack on the gateway. */
const MAX_TOKENS = 16 * 2 ** 20;
const MAX_TOKEN_CHARACTERS = 4_096;
const MAX_TEXT_CHARACTERS = 256 * 2 ** 20;
const MAX_TEXTS = 1_000_000;
const MAX_MESSAGE_CHARACTERS = 65_536;

const prompts = z.array(promptSchema).max(MAX_TEXTS);
const images = z.array(z.object({ widthPx: z.int().min(1), heightPx: z.int().min(1) }));

const question = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tokenize'), prompts, images, skipsSpecialTokens: z.boolean() }),
  z.object({
    kind: z.literal('detokenize'),
    tokens: z.union([z.array(countSchema), z.array(z.string())]),
    skipsSpecialTokens: z.boolean(),
  }),
  z.object({
    kind: z.literal('render'),
    conversations: z.array(conversationSchema.omit({ kind: true })).max(MAX_TEXTS),
    opensAnswer: z.boolean(),
  }),
  z.object({
    kind: z.literal('count'),
    prompts,
    images,
    promptMaxTokens: z.int().nullable(),
    imageTokenBudget: imageTokenBudgetSchema.nullable(),
  }),
  z.object({ kind: z.literal('model_config') }),
  z.object({ kind: z.literal('adapters'), loras: z.record(z.string(), z.string()) }),
]);

const answer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('tokenize'),
    tokens: z.array(z.string().max(MAX_TOKEN_CHARACTERS)).max(MAX_TOKENS),
  }),
  z.object({ kind: z.literal('detokenize'), text: z.string().max(MAX_TEXT_CHARACTERS) }),
  z.object({
    kind: z.literal('render'),
    texts: z.array(z.string().max(MAX_TEXT_CHARACTERS)).max(MAX_TEXTS),
  }),
  z.object({
    kind: z.literal('count'),
    contextTokens: z.int().min(1),
    counts: z.array(z.object({ promptTokens: countSchema, imageTokens: countSchema })).max(MAX_TEXTS),
  }),
  z.object({ kind: z.literal('model_config'), json: z.string().max(MAX_TEXT_CHARACTERS).nullable() }),
  z.object({ kind: z.literal('adapters'), loras: z.array(z.string()) }),
]);

/** To the reader. */
export const askMessageSchema = z.object({
  kind: z.literal('ask'),
  requestId: requestIdSchema,
  question,
}) satisfies z.ZodType<AskMessage>;

/** From the reader, by kind. */
export const answerToQuestionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('answer'), requestId: requestIdSchema, answer }),
  z.object({
    kind: z.literal('refusal'),
    requestId: requestIdSchema,
    code: errorCodeSchema,
    message: z.string().max(MAX_MESSAGE_CHARACTERS),
  }),
]) satisfies z.ZodType<AnswerToQuestion>;
