// What each server understands beyond what all of them do. Whatever a server does not list here it would ignore without a word, so it is
// refused by name. As of vLLM 0.12, SGLang 0.5, TGI 3 and the API of OpenAI; read in their sources and descriptions.
import type { ApiDialect } from '../../model/api-dialect.js';

/** The two endpoints that answer. */
export type Endpoint = 'chat' | 'completions';

/** Parameters that not every server has on both endpoints, in the words of the API. */
export const SPECIAL_FIELDS = [
  'top_k',
  'min_p',
  'repetition_penalty',
  'presence_penalty',
  'min_tokens',
  'logit_bias',
  'logprobs',
  'cache_salt',
] as const;
export type SpecialField = (typeof SPECIAL_FIELDS)[number];

/** How a form of an answer is asked for; absent: it cannot be. */
export interface ConstraintForms {
  readonly jsonSchema?: 'response_format' | 'tgi_json' | 'json_schema';
  readonly regex?: 'structured_outputs' | 'regex' | 'tgi_regex' | 'guided_regex';
  /** `as_regex`: by an alternation. */
  readonly choices?: 'structured_outputs' | 'guided_choice' | 'as_regex';
  /** Whether the schema of an answer may have alternatives at its root. */
  readonly takesRootAlternatives: boolean;
}

export interface Dialect {
  readonly fields: Readonly<Record<Endpoint, ReadonlySet<SpecialField>>>;
  readonly constraints: Readonly<Record<Endpoint, ConstraintForms>>;
  /** Whether an answer of no stated length goes on to the end of the context on the chat endpoint. */
  readonly isUnboundedByDefault: boolean;
}

const ALL: ReadonlySet<SpecialField> = new Set(SPECIAL_FIELDS);
const NONE: ConstraintForms = { takesRootAlternatives: false };

const VLLM_FORMS: ConstraintForms = {
  jsonSchema: 'response_format',
  regex: 'structured_outputs',
  choices: 'structured_outputs',
  takesRootAlternatives: true,
};
const OWN_FORMS: ConstraintForms = {
  jsonSchema: 'response_format',
  regex: 'guided_regex',
  choices: 'guided_choice',
  takesRootAlternatives: true,
};
const SGLANG_FORMS: ConstraintForms = { regex: 'regex', choices: 'as_regex', takesRootAlternatives: true };

export const DIALECTS: Readonly<Record<ApiDialect, Dialect>> = {
  vllm: {
    fields: { chat: ALL, completions: ALL },
    constraints: { chat: VLLM_FORMS, completions: VLLM_FORMS },
    isUnboundedByDefault: true,
  },
  sglang: {
    fields: { chat: ALL, completions: ALL },
    constraints: {
      chat: { ...SGLANG_FORMS, jsonSchema: 'response_format' },
      completions: { ...SGLANG_FORMS, jsonSchema: 'json_schema' },
    },
    isUnboundedByDefault: true,
  },
  tgi: {
    // Its presence_penalty is a repetition penalty of another size, and it reads no logit_bias.
    fields: { chat: new Set(['logprobs']), completions: new Set(['repetition_penalty']) },
    constraints: {
      chat: { jsonSchema: 'tgi_json', regex: 'tgi_regex', choices: 'as_regex', takesRootAlternatives: true },
      completions: NONE,
    },
    isUnboundedByDefault: false,
  },
  takeoff: {
    fields: { chat: ALL, completions: ALL },
    constraints: { chat: OWN_FORMS, completions: OWN_FORMS },
    isUnboundedByDefault: false,
  },
  openai: {
    fields: {
      chat: new Set(['presence_penalty', 'logit_bias', 'logprobs']),
      completions: new Set(['presence_penalty', 'logit_bias', 'logprobs']),
    },
    constraints: { chat: { jsonSchema: 'response_format', takesRootAlternatives: false }, completions: NONE },
    isUnboundedByDefault: false,
  },
};
