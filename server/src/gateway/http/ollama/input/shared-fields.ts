// What the bodies of /api/generate and /api/chat have in common.
import type { z } from 'zod';
import type { Prompt } from '../../../../link/requests/messages.js';
import { imageTokenBudget, logprobFields } from '../../input/generation-fields.js';
import { anything, flag, text } from '../../input/fields.js';
import { describedModel } from '../../input/model-names.js';
import { toParsedRequest, type ParsedRequest } from '../../input/parsed-request.js';
import { oneOf, type RefusedFields } from '../../input/refused-fields.js';
import type { RequestImages } from '../../input/request-images.js';
import { describedAnswerFormat, parseAnswerFormat } from './answer-format-field.js';
import { describedOptions, parseSampling } from './sampling-options.js';

export const sharedFields = {
  model: text(),
  format: anything(),
  options: anything(),
  stream: flag().describe('True where it is left out.'),
  ...logprobFields,
  cache_salt: text(),
  image_token_budget: imageTokenBudget(),
};
type SharedFields = z.output<z.ZodObject<typeof sharedFields>>;

/** The fields that are parsed elsewhere, as the description of the API tells them. */
export const describedSharedFields = {
  model: describedModel,
  format: describedAnswerFormat,
  options: describedOptions,
};

export const SHARED_REFUSED_FIELDS: RefusedFields = {
  think: { isHarmless: oneOf(false), why: 'LLaVA models answer without thinking first.' },
};

/** A request that only wants to know that its model is there, as Ollama loads one before it is asked. */
export interface ParsedOllama extends Omit<ParsedRequest, 'job'> {
  readonly job: ParsedRequest['job'] | null;
}

/**
 * @param prompt null where the request has none
 * @throws InputError
 */
export function toParsedOllama(
  request: SharedFields,
  prompt: Prompt | null,
  images: RequestImages,
): ParsedOllama {
  const parsed = toParsedRequest(
    { ...request, stream: request.stream ?? true },
    {
      prompts: prompt === null ? [] : [prompt],
      images: images.sources,
      sampling: parseSampling(request.options, request),
      constraint: parseAnswerFormat(request.format),
    },
  );
  return { ...parsed, job: prompt === null ? null : parsed.job };
}
