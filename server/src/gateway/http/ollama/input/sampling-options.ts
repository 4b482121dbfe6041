// How answers are sampled and where they end, in the words of Ollama: the object `options` and what stands beside it.
import { z } from 'zod';
import type { SamplingParameters } from '../../../../link/requests/messages.js';
import { anything, integer, parseFields } from '../../input/fields.js';
import {
  DEFAULT_MAX_TOKENS,
  describedGenerationFields,
  generationFields,
  MAX_INTEGER,
  parseTopLogprobs,
  toSampling,
  type LogprobFields,
} from '../../input/generation-fields.js';
import {
  describedRefusals,
  oneOf,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';

const optionsSchema = z.object(
  {
    num_predict: integer(-MAX_INTEGER, MAX_INTEGER).describe(
      `Longest answer. 0 and less mean ${DEFAULT_MAX_TOKENS}, as leaving it out does.`,
    ),
    temperature: generationFields.temperature,
    top_k: integer(-MAX_INTEGER, MAX_INTEGER),
    top_p: generationFields.top_p,
    min_p: generationFields.min_p,
    seed: generationFields.seed,
    repeat_penalty: generationFields.repetition_penalty,
    frequency_penalty: generationFields.frequency_penalty,
    presence_penalty: generationFields.presence_penalty,
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

/** Ollama's. */
const DEFAULTS = { temperature: 0.8, topK: 40, topP: 0.9 };

/** @throws InputError */
export function parseSampling(given: unknown, asked: LogprobFields): SamplingParameters {
  const place = 'options';
  const options = parseFields(optionsSchema, given ?? {}, place);
  validateNoRefusedFields(given, REFUSED_OPTIONS, `${place}.`);
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
      topLogprobs: parseTopLogprobs(asked),
      stopField: `${place}.stop`,
    },
  );
}
