// How answers are sampled and where they end, in the words of the OpenAI API and, for what that lacks, of vLLM.
import { z } from 'zod';
import { InputError } from '../../../errors.js';
import type { SamplingParameters, TokenBias } from '../../../link/requests/messages.js';
import { anything, flag, integer, invalidField, isList, number, text } from './fields.js';

export const MAX_INTEGER = 2_147_483_647;
/** OpenAI's default is the rest of the context, which a server that reserves memory for an answer cannot give to everybody. */
export const DEFAULT_MAX_TOKENS = 1024;
/** Answers to one prompt: OpenAI's limit. */
export const MAX_CHOICES = 128;
/** Each is looked for in every piece of an answer. OpenAI allows 4. */
export const MAX_STOPS = 16;
export const MAX_STOP_CHARACTERS = 256;
export const MAX_BIASES = 1024;
/** Alternatives told for a token: OpenAI's limit. */
export const MAX_TOP_LOGPROBS = 20;

/** Log probabilities that a request may be told, alternatives included: some 200 bytes each until the answer is complete. */
export const MAX_LOGPROBS = 262_144;

const IMAGE_TOKENS = 'a whole number from 1, or "full"';
/** An extension, which the native API has too. */
export const imageTokenBudget = () =>
  z
    .union(
      [z.int(IMAGE_TOKENS).min(1, IMAGE_TOKENS).max(MAX_INTEGER, IMAGE_TOKENS), z.literal('full')],
      IMAGE_TOKENS,
    )
    .nullish();

const POSITIVE = 'a number above 0, up to 100';

export const generationFields = {
  temperature: number(0, 100),
  top_p: number(0, 1),
  top_k: integer(-1, MAX_INTEGER),
  min_p: number(0, 1),
  seed: z
    .number('a whole number')
    .refine(Number.isInteger, 'a whole number')
    .meta({ type: 'integer' })
    .nullish(),
  stop: anything(),
  n: integer(1, MAX_CHOICES),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  repetition_penalty: z.number(POSITIVE).gt(0, POSITIVE).max(100, POSITIVE).nullish(),
  min_tokens: integer(0, MAX_INTEGER),
  logit_bias: anything(),
  cache_salt: text(),
  image_token_budget: imageTokenBudget(),
};

export const describedStop = z.string().min(1).max(MAX_STOP_CHARACTERS);

/** The fields that are parsed here, as the description of the API tells them. */
export const describedGenerationFields = {
  stop: z
    .union([describedStop, z.array(describedStop).max(MAX_STOPS)])
    .nullish()
    .describe('Texts that end the answer.'),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/u), z.number().min(-100).max(100))
    .meta({ maxProperties: MAX_BIASES })
    .nullish()
    .describe('What is added to the logits of tokens, by their ids.'),
};

/** Of a field that bounds an answer, such as max_tokens. */
export const answerTokens = () => integer(1, MAX_INTEGER);

type GenerationFields = z.output<z.ZodObject<typeof generationFields>>;

/** Of APIs that ask for log probabilities in two fields. */
export const logprobFields = { logprobs: flag(), top_logprobs: integer(0, MAX_TOP_LOGPROBS) };
export type LogprobFields = z.output<z.ZodObject<typeof logprobFields>>;

/**
 * How many alternatives are told for each token; null where no log probabilities are.
 * @throws InputError request.field_invalid
 */
export function parseTopLogprobs({ logprobs, top_logprobs: top }: LogprobFields): number | null {
  if (logprobs === true) return top ?? 0;
  if (top != null && top > 0) throw invalidField('logprobs', logprobs, 'true where top_logprobs is set');
  return null;
}

/** What each API says in its own words. */
export interface AnswerBounds {
  /** Answers to all prompts of the request together. */
  readonly answerCount: number;
  readonly maxNewTokens: number;
  readonly topLogprobs: number | null;
  /** What the request calls the field of stop strings, where it is not `stop`. */
  readonly stopField?: string;
}

/** OpenAI's defaults: drawn at temperature 1 from the whole vocabulary. */
export function toSampling(fields: Partial<GenerationFields>, bounds: AnswerBounds): SamplingParameters {
  const { top_k: topK, seed } = fields;
  validateLogprobCount(bounds);
  return {
    temperature: fields.temperature ?? 1,
    topP: fields.top_p ?? 1,
    // 0 and −1 are vLLM's words for the whole vocabulary.
    topK: topK == null || topK < 1 ? MAX_INTEGER : topK,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    presencePenalty: fields.presence_penalty ?? 0,
    logitBias: parseBiases(fields.logit_bias),
    noRepeatNgramSize: 0,
    maxNewTokens: bounds.maxNewTokens,
    minNewTokens: validateMinTokens(fields.min_tokens ?? 0, bounds.maxNewTokens),
    seed: seed == null ? null : toSeed(seed),
    stop: parseStops(fields.stop, bounds.stopField ?? 'stop'),
    topLogprobs: bounds.topLogprobs,
  };
}

const SEED_END = 2 ** 32;
/** OpenAI's seeds have 64 bits and a sign; all of them are taken, and large ones share their draws with small ones. */
const toSeed = (seed: number): number => ((seed % SEED_END) + SEED_END) % SEED_END;

function validateMinTokens(minTokens: number, maxTokens: number): number {
  if (minTokens <= maxTokens) return minTokens;
  throw new InputError(
    'request.out_of_range',
    `min_tokens is ${minTokens}, more than the ${maxTokens} tokens that the answer may have. Lower it, or raise max_tokens.`,
    { details: { field: 'min_tokens' } },
  );
}

function validateLogprobCount({ answerCount, maxNewTokens, topLogprobs }: AnswerBounds): void {
  if (topLogprobs === null) return;
  const asked = answerCount * maxNewTokens * (topLogprobs + 1);
  if (asked <= MAX_LOGPROBS) return;
  throw new InputError(
    'request.out_of_range',
    `The request asks for up to ${asked} log probabilities (answers times tokens times alternatives and the token itself); allowed are ${MAX_LOGPROBS}. ` +
      'Lower n, the longest answer or the number of alternatives.',
    { details: { field: 'logprobs', got: asked, allowed: MAX_LOGPROBS } },
  );
}

function parseStops(stop: unknown, field: string): readonly string[] {
  if (stop === undefined || stop === null) return [];
  const stops = isList(stop) ? stop : [stop];
  const allowed = `a string of 1 to ${MAX_STOP_CHARACTERS} characters, or a list of up to ${MAX_STOPS} of them`;
  if (stops.length > MAX_STOPS) throw invalidField(field, stop, allowed);
  return stops.map((one, index) => {
    if (typeof one === 'string' && one.length > 0 && one.length <= MAX_STOP_CHARACTERS) return one;
    throw invalidField(isList(stop) ? `${field}[${index}]` : field, one, allowed);
  });
}

function parseBiases(biases: unknown): readonly TokenBias[] {
  if (biases === undefined || biases === null) return [];
  const allowed = `an object of up to ${MAX_BIASES} token ids with numbers from -100 to 100`;
  if (typeof biases !== 'object' || isList(biases)) throw invalidField('logit_bias', biases, allowed);
  const entries: [string, unknown][] = Object.entries(biases);
  if (entries.length > MAX_BIASES) throw invalidField('logit_bias', biases, allowed);
  return entries.map(([id, bias]) => {
    const token = Number(id);
    const isAllowed = /^\d{1,9}$/u.test(id) && typeof bias === 'number' && bias >= -100 && bias <= 100;
    if (!isAllowed) throw invalidField(`logit_bias.${id.slice(0, 20)}`, bias, allowed);
    return { token, bias };
  });
}
