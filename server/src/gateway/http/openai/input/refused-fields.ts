// Fields that OpenAI and vLLM know and that this server cannot honour. Each is refused by name unless its value asks for nothing,
// so that nobody takes an answer for what it is not.
import { z } from 'zod';
import { isList, unsupportedField } from './fields.js';

interface RefusedField {
  /** Whether a value asks for what the server does anyway. */
  readonly isHarmless?: (value: unknown) => boolean;
  /** What to do instead. */
  readonly why: string;
}

export type RefusedFields = Readonly<Record<string, RefusedField>>;

const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

const isEmptyList = (value: unknown): boolean => isList(value) && value.length === 0;

/** Of all endpoints that generate. */
export const COMMON_REFUSED_FIELDS: RefusedFields = {
  guided_grammar: {
    why: 'answers follow schemas (guided_json), patterns (guided_regex) or choices (guided_choice).',
  },
  guided_whitespace_pattern: { why: 'JSON comes on one line.' },
  structured_outputs: { why: 'its older names are taken: guided_json, guided_regex and guided_choice.' },
  moderation: { why: 'this server judges neither questions nor answers.' },
  store: { isHarmless: oneOf(false), why: 'this server keeps nothing. Send false, or leave it out.' },
  best_of: { isHarmless: oneOf(1), why: 'ask for several answers with n.' },
  use_beam_search: { isHarmless: oneOf(false), why: 'answers are greedy (temperature 0) or drawn.' },
  ignore_eos: { isHarmless: oneOf(false), why: 'set min_tokens.' },
  stop_token_ids: { isHarmless: isEmptyList, why: 'name the text of the tokens in stop.' },
  prompt_logprobs: { why: 'log probabilities are told of answers only.' },
};

/** As the description of the API tells them. */
export const describedRefusals = (refused: RefusedFields): Record<string, z.ZodType> =>
  Object.fromEntries(
    Object.entries(refused).map(([field, { why }]) => [
      field,
      z
        .unknown()
        .optional()
        .meta({ deprecated: true, description: `Refused, unless it asks for nothing: ${why}` }),
    ]),
  );

/** @throws InputError request.not_supported */
export function validateNoRefusedFields(body: unknown, refused: RefusedFields): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [field, value] of Object.entries(body)) {
    const known = Object.hasOwn(refused, field) ? refused[field] : undefined;
    if (known === undefined || value === null || value === undefined) continue;
    if (known.isHarmless?.(value) !== true) throw unsupportedField(field, known.why);
  }
}
