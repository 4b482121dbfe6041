// How answers are sampled and where they end, in the words of Ollama: the object `options` and what stands beside it.
import { z } from 'zod';
import type { SamplingParameters } from '../../../../link/requests/messages.js';
import { anything, flag, integer, invalidField, number, parseFields } from '../../input/fields.js';
import {
  DEFAULT_MAX_TOKENS,
  describedGenerationFields,
  MAX_TOP_LOGPROBS,
  toSampling,
} from '../../input/generation-fields.js';
import {
  describedRefusals,
  oneOf,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';

const MAX_INTEGER = 2_147_483_647;
const PENALTY = 'a number above 0, up to 100';

const optionsSchema = z.object(
  {
    num_predict: integer(-2, MAX_INTEGER).describe(
      `Longest answer. 0, -1 and -2 mean ${DEFAULT_MAX_TOKENS}, as leaving it out does.`,
    ),
    temperature: number(0, 100),
    top_k: integer(-1, MAX_INTEGER),
    top_p: number(0, 1),
    min_p: number(0, 1),
    seed: z
      .number('a whole number')
      .refine(Number.isInteger, 'a whole number')
      .meta({ type: 'integer' })
      .nullish(),
    repeat_penalty: z.number(PENALTY).gt(0, PENALTY).max(100, PENALTY).nullish(),
    frequency_penalty: number(-2, 2),
    presence_penalty: number(-2, 2),
    stop: anything(),
  },
  'an object',
);

export const REFUSED_OPTIONS: RefusedFields = {
  mirostat: { isHarmless: oneOf(0), why: 'answers are drawn with temperature, top_k, top_p and min_p.' },
  typical_p: { isHarmless: oneOf(1), why: 'answers are drawn with temperature, top_k, top_p and min_p.' },
};

/** `options` as the description of the API tells it. */
export const describedOptions = optionsSchema
  .extend({ stop: describedGenerationFields.stop })
  .extend(describedRefusals(REFUSED_OPTIONS))
  .nullish()
  .meta({ id: 'OllamaOptions' });

/** Beside the options. */
export const logprobFields = { logprobs: flag(), top_logprobs: integer(0, MAX_TOP_LOGPROBS) };

type LogprobFields = z.output<z.ZodObject<typeof logprobFields>>;

/** Ollama's. */
const DEFAULTS = { temperature: 0.8, topK: 40, topP: 0.9 };

/** @throws InputError */
export function parseSampling(given: unknown, asked: LogprobFields): SamplingParameters {
  const place = 'options';
  const options = parseFields(optionsSchema, given ?? {}, place);
  validateNoRefusedFields(given, REFUSED_OPTIONS);
  const { num_predict: longest, seed } = options;
  return toSampling(
    {
      temperature: options.temperature ?? DEFAULTS.temperature,
      top_k: options.top_k ?? DEFAULTS.topK,
      top_p: options.top_p ?? DEFAULTS.topP,
      min_p: options.min_p,
      // Below zero there is none: each answer is drawn anew.
      seed: seed == null || seed < 0 ? null : seed,
      repetition_penalty: options.repeat_penalty,
      frequency_penalty: options.frequency_penalty,
      presence_penalty: options.presence_penalty,
      stop: options.stop,
    },
    {
      answerCount: 1,
      maxNewTokens: longest == null || longest < 1 ? DEFAULT_MAX_TOKENS : longest,
      topLogprobs: topLogprobsOf(asked),
      stopField: `${place}.stop`,
    },
  );
}

function topLogprobsOf({ logprobs, top_logprobs: top }: LogprobFields): number | null {
  if (logprobs === true) return top ?? 0;
  if (top != null && top > 0) throw invalidField('logprobs', logprobs, 'true where top_logprobs is set');
  return null;
}
