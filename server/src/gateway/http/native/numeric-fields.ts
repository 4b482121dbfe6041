// The numeric fields of a request: defaults filled in, ranges validated, in the words of the API.
import { NUMERIC_FIELDS, type GenerateRequest, type NumericField } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import type { SamplingParameters } from '../../../link/requests/messages.js';
import type { ImageTokenBudget } from '../../../model/image-token-budget.js';

/** "from 0 to 100", "above 0, up to 100", "from 0 to 1 (0: not restricted)". */
export function rangeText(field: NumericField): string {
  const { min, max, exclusiveMin } = NUMERIC_FIELDS[field];
  return `${exclusiveMin ? `above ${min}, up to ${max}` : `from ${min} to ${max}`}${UNRESTRICTED[field] ?? ''}`;
}

const UNRESTRICTED: Partial<Record<NumericField, string>> = {
  sampling_topp: ' (0: not restricted)',
  sampling_topk: ' (0 and -1: not restricted)',
};

/** @throws InputError request.out_of_range */
export function validateSampling(request: GenerateRequest): SamplingParameters {
  const sampling = {
    temperature: validated(request, 'sampling_temperature'),
    topP: validated(request, 'sampling_topp') || NUMERIC_FIELDS.sampling_topp.max,
    topK: unrestrictedTopK(validated(request, 'sampling_topk')),
    repetitionPenalty: validated(request, 'repetition_penalty'),
    noRepeatNgramSize: validated(request, 'no_repeat_ngram_size'),
    maxNewTokens: validated(request, 'max_new_tokens'),
    minNewTokens: validated(request, 'min_new_tokens'),
    ...NOT_OFFERED,
  };
  const { minNewTokens, maxNewTokens } = sampling;
  if (minNewTokens > maxNewTokens) {
    const maxSource = request.max_new_tokens == null ? 'the default of max_new_tokens' : 'max_new_tokens';
    throw new InputError(
      'request.out_of_range',
      `min_new_tokens is ${minNewTokens}, more than ${maxSource}, ${maxNewTokens}. Lower it, or raise max_new_tokens.`,
    );
  }
  return sampling;
}

const unrestrictedTopK = (topK: number): number => (topK > 0 ? topK : NUMERIC_FIELDS.sampling_topk.max);

/** What the native API has no fields for. */
const NOT_OFFERED = {
  minP: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
  seed: null,
  stop: [],
  topLogprobs: null,
} as const satisfies Partial<SamplingParameters>;

/** Null means that the prompt is not cut. */
export const validatePromptMaxTokens = (request: GenerateRequest): number | null =>
  request.prompt_max_tokens == null ? null : inRange('prompt_max_tokens', request.prompt_max_tokens);

/**
 * Null leaves it to the reader.
 * @throws InputError request.out_of_range
 */
export function validateImageTokenBudget({
  image_token_budget: budget,
}: GenerateRequest): ImageTokenBudget | null {
  if (budget == null || budget === 'full' || budget >= 1) return budget ?? null;
  throw noImageTokenBudget(budget);
}

const noImageTokenBudget = (budget: number): InputError =>
  new InputError(
    'request.out_of_range',
    `image_token_budget is ${budget}; allowed is a whole number from 1, or "full" for all tokens of an image.`,
    { details: { field: 'image_token_budget', got: budget } },
  );

/**
 * Numbers that no range allows fail the schema already, as if they had the wrong type: 1e999, which JSON reads as infinity, and
 * whole numbers beyond 2^53.
 * @throws InputError request.out_of_range
 */
export function validateMagnitudes(body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [field, value] of Object.entries(body)) {
    const isHuge = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    if (isHuge && isNumericField(field)) inRange(field, value);
    if (isHuge && field === 'image_token_budget') throw noImageTokenBudget(value);
  }
}

export const isNumericField = (field: string): field is NumericField => Object.hasOwn(NUMERIC_FIELDS, field);

function validated(request: GenerateRequest, field: Exclude<NumericField, 'prompt_max_tokens'>): number {
  const value = request[field];
  return value == null ? NUMERIC_FIELDS[field].default : inRange(field, value);
}

function inRange(field: NumericField, value: number): number {
  const { min, max, exclusiveMin } = NUMERIC_FIELDS[field];
  if (value >= min && value <= max && !(exclusiveMin && value === min)) return value;
  throw new InputError('request.out_of_range', `${field} is ${value}; allowed is ${rangeText(field)}.`, {
    details: { field, got: value },
  });
}
