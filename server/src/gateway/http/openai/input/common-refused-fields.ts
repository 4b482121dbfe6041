// Fields of OpenAI and vLLM that no endpoint can honour.
import { isEmptyList } from '../../input/fields.js';
import { oneOf, type RefusedFields } from '../../input/refused-fields.js';

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
