// Parses the body of POST /v1/chat/completions into a job: what its fields have to be, and what they ask for together.
import { z } from 'zod';
import type { HttpLimits } from '../../connection/http-limits.js';
import { constraintOf } from '../input/answer-form.js';
import { anything, flag, isList, parseFields, text } from '../../input/fields.js';
import {
  answerTokens,
  DEFAULT_MAX_TOKENS,
  describedGenerationFields,
  generationFields,
  logprobFields,
  parseTopLogprobs,
  toSampling,
} from '../../input/generation-fields.js';
import { describedGuidedFields, guidedFields, parseGuidedFields } from '../input/guided-fields.js';
import { toParsedRequest, type ParsedRequest } from '../../input/parsed-request.js';
import {
  describedRefusals,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';
import { COMMON_REFUSED_FIELDS } from '../input/common-refused-fields.js';
import { describedModel } from '../../input/model-names.js';
import { RequestImages } from '../../input/request-images.js';
import { describedResponseFormat, parseResponseFormat } from '../input/text-format.js';
import type { RequiredCall } from '../../input/required-call.js';
import { describedTools, parseToolChoice, parseTools } from '../input/tools.js';
import { describedMessages, parseMessages } from './chat-messages.js';

const chatRequestSchema = z.object(
  {
    model: text(),
    messages: anything(),
    ...generationFields,
    ...guidedFields,
    max_tokens: answerTokens(),
    max_completion_tokens: answerTokens(),
    ...logprobFields,
    stream: flag(),
    stream_options: z.object({ include_usage: flag() }, 'an object').nullish(),
    response_format: anything(),
    tools: anything(),
    tool_choice: anything(),
  },
  'a JSON object such as {"model": "primary", "messages": [{"role": "user", "content": "…"}]}',
);

export const REFUSED_CHAT_FIELDS: RefusedFields = {
  ...COMMON_REFUSED_FIELDS,
  audio: { why: 'this server reads text and images and answers with text.' },
  modalities: {
    isHarmless: (value) => isList(value) && value.every((one) => one === 'text'),
    why: 'this server answers with text alone. Send ["text"], or leave it out.',
  },
  functions: { why: 'its successor is tools.' },
  function_call: { isHarmless: (value) => value === 'none', why: 'its successor is tool_choice.' },
  web_search_options: { why: 'this server searches nothing.' },
};

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedChatRequest = chatRequestSchema
  .extend({
    ...describedGenerationFields,
    ...describedGuidedFields,
    ...describedTools.chat,
    model: describedModel,
    messages: describedMessages,
    response_format: describedResponseFormat,
  })
  .extend(describedRefusals(REFUSED_CHAT_FIELDS))
  .meta({ id: 'ChatCompletionRequest' });

export interface ParsedChat extends ParsedRequest {
  /** Null where the answers are text. */
  readonly call: RequiredCall | null;
  readonly tellsUsage: boolean;
}

/** @throws InputError */
export function parseChatRequest(body: unknown, limits: HttpLimits): ParsedChat {
  const request = parseFields(chatRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_CHAT_FIELDS);
  const call = parseToolChoice(request.tool_choice, parseTools(request.tools, 'chat'), 'chat');
  const format = parseResponseFormat(request.response_format);
  const answerCount = request.n ?? 1;
  const images = new RequestImages(limits);
  const conversation = parseMessages(request.messages, images, limits);
  return {
    ...toParsedRequest(request, {
      prompts: Array.from({ length: answerCount }, () => conversation),
      images: images.sources,
      sampling: toSampling(request, {
        answerCount,
        maxNewTokens: request.max_completion_tokens ?? request.max_tokens ?? DEFAULT_MAX_TOKENS,
        topLogprobs: parseTopLogprobs(request),
      }),
      constraint: constraintOf({ format, guided: parseGuidedFields(request), call }),
    }),
    call,
    tellsUsage: request.stream_options?.include_usage === true,
  };
}
