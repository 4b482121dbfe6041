// Fields that OpenAI and vLLM know and that this server cannot honour. Each is refused by name unless its value asks for nothing,
// so that nobody takes an answer for what it is not.
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

const NO_STRUCTURE = 'this version answers in free text. Leave it out.';
const isEmptyList = (value: unknown): boolean => isList(value) && value.length === 0;

/** Whatever ties an answer to a form. */
const STRUCTURE_FIELDS: RefusedFields = {
  guided_json: { why: NO_STRUCTURE },
  guided_regex: { why: NO_STRUCTURE },
  guided_choice: { why: NO_STRUCTURE },
  guided_grammar: { why: NO_STRUCTURE },
  structured_outputs: { why: NO_STRUCTURE },
};

/** Of all endpoints that generate. */
export const COMMON_REFUSED_FIELDS: RefusedFields = {
  ...STRUCTURE_FIELDS,
  store: { isHarmless: oneOf(false), why: 'this server keeps nothing. Send false, or leave it out.' },
  best_of: { isHarmless: oneOf(1), why: 'ask for several answers with n.' },
  use_beam_search: { isHarmless: oneOf(false), why: 'answers are greedy (temperature 0) or drawn.' },
  ignore_eos: { isHarmless: oneOf(false), why: 'set min_tokens.' },
  stop_token_ids: { isHarmless: isEmptyList, why: 'name the text of the tokens in stop.' },
  prompt_logprobs: { why: 'log probabilities are told of answers only.' },
};

/** @throws InputError request.not_supported */
export function validateNoRefusedFields(body: unknown, refused: RefusedFields): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [field, value] of Object.entries(body)) {
    const known = Object.hasOwn(refused, field) ? refused[field] : undefined;
    if (known === undefined || value === null || value === undefined) continue;
    if (known.isHarmless?.(value) !== true) throw unsupportedField(field, known.why);
  }
}
