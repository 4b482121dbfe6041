// Parses the body of POST /v1/completions into a job. Prompts go to the model as they are, without a template and without images.
import { z } from 'zod';
import { InputError } from '../../../../errors.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { validateTextBytes } from '../../connection/text-bytes.js';
import { constraintOf } from '../input/answer-form.js';
import {
  anything,
  flag,
  integer,
  invalidField,
  isList,
  parseFields,
  parseList,
  text,
} from '../../input/fields.js';
import {
  answerTokens,
  describedGenerationFields,
  generationFields,
  MAX_TOP_LOGPROBS,
  toSampling,
} from '../../input/generation-fields.js';
import { describedGuidedFields, guidedFields, parseGuidedFields } from '../input/guided-fields.js';
import { describedModel } from '../../input/model-names.js';
import { toParsedRequest, type ParsedRequest } from '../../input/parsed-request.js';
import {
  describedRefusals,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';
import { COMMON_REFUSED_FIELDS } from '../input/common-refused-fields.js';
import { describedResponseFormat, parseResponseFormat } from '../input/text-format.js';

/** OpenAI's default. */
const DEFAULT_MAX_TOKENS = 16;

const completionRequestSchema = z.object(
  {
    model: text(),
    prompt: anything(),
    ...generationFields,
    ...guidedFields,
    response_format: anything(),
    max_tokens: answerTokens(),
    logprobs: integer(0, MAX_TOP_LOGPROBS),
    stream: flag(),
    stream_options: z.object({ include_usage: flag() }, 'an object').nullish(),
  },
  'a JSON object such as {"model": "primary", "prompt": "…"}',
);

export const REFUSED_COMPLETION_FIELDS: RefusedFields = {
  ...COMMON_REFUSED_FIELDS,
  echo: { isHarmless: (value) => value === false, why: 'an answer is told without its prompt.' },
  suffix: { isHarmless: (value) => value === '', why: 'text is written after the prompt only.' },
};

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedCompletionRequest = completionRequestSchema
  .extend({
    ...describedGenerationFields,
    ...describedGuidedFields,
    model: describedModel,
    prompt: z.union([z.string(), z.array(z.string()).min(1)]),
    response_format: describedResponseFormat,
  })
  .extend(describedRefusals(REFUSED_COMPLETION_FIELDS))
  .meta({ id: 'CompletionRequest' });

export interface ParsedCompletion extends ParsedRequest {
  readonly tellsUsage: boolean;
  readonly choicesPerPrompt: number;
}

/** @throws InputError */
export function parseCompletionRequest(body: unknown, limits: HttpLimits): ParsedCompletion {
  const request = parseFields(completionRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_COMPLETION_FIELDS);
  const choicesPerPrompt = request.n ?? 1;
  const texts = parsePrompts(request.prompt, limits);
  validateAnswerCount(texts.length * choicesPerPrompt, limits);
  return {
    ...toParsedRequest(request, {
      prompts: texts.flatMap((prompt) =>
        Array.from({ length: choicesPerPrompt }, () => ({
          kind: 'raw' as const,
          parts: [{ kind: 'text' as const, text: prompt }],
        })),
      ),
      images: [],
      sampling: toSampling(request, {
        answerCount: texts.length * choicesPerPrompt,
        maxNewTokens: request.max_tokens ?? DEFAULT_MAX_TOKENS,
        topLogprobs: request.logprobs ?? null,
      }),
      constraint: constraintOf({
        format: parseResponseFormat(request.response_format),
        guided: parseGuidedFields(request),
        call: null,
      }),
    }),
    tellsUsage: request.stream_options?.include_usage === true,
    choicesPerPrompt,
  };
}

function parsePrompts(prompt: unknown, limits: HttpLimits): readonly string[] {
  const allowed = 'a string, or a list of strings; token ids are not taken';
  const prompts = isList(prompt)
    ? parseList(prompt, limits.maxUserBatchSize, 'prompt', 'strings (max_user_batch_size)')
    : [prompt];
  const texts = prompts.map((one, index) => {
    if (typeof one === 'string') return one;
    throw invalidField(isList(prompt) ? `prompt[${index}]` : 'prompt', one, allowed);
  });
  validateTextBytes(texts, 'prompt', limits);
  return texts;
}

function validateAnswerCount(answers: number, { maxUserBatchSize }: HttpLimits): void {
  if (answers <= maxUserBatchSize) return;
  throw new InputError(
    'request.batch_too_large',
    `prompt and n ask for ${answers} answers; allowed are ${maxUserBatchSize}. The operator can raise max_user_batch_size.`,
    { details: { field: 'n', setting: 'max_user_batch_size', got: answers, allowed: maxUserBatchSize } },
  );
}
