// Parses the body of POST /v1/chat/completions into a job: what its fields have to be, and what they ask for together.
import { z } from 'zod';
import type { HttpLimits } from '../../connection/http-limits.js';
import {
  anything,
  flag,
  integer,
  invalidField,
  isList,
  parseFields,
  text,
  unsupportedField,
} from '../input/fields.js';
import {
  answerTokens,
  DEFAULT_MAX_TOKENS,
  generationFields,
  MAX_TOP_LOGPROBS,
  toSampling,
} from '../input/generation-fields.js';
import { toParsedRequest, type ParsedRequest } from '../input/parsed-request.js';
import {
  COMMON_REFUSED_FIELDS,
  validateNoRefusedFields,
  type RefusedFields,
} from '../input/refused-fields.js';
import { RequestImages } from '../input/request-images.js';
import { parseMessages } from './chat-messages.js';

const chatRequestSchema = z.object(
  {
    ...generationFields,
    model: text(),
    messages: anything(),
    max_tokens: answerTokens(),
    max_completion_tokens: answerTokens(),
    logprobs: flag(),
    top_logprobs: integer(0, MAX_TOP_LOGPROBS),
    stream: flag(),
    stream_options: z.object({ include_usage: flag() }, 'an object').nullish(),
    response_format: anything(),
    tools: anything(),
    tool_choice: anything(),
  },
  'a JSON object such as {"model": "primary", "messages": [{"role": "user", "content": "…"}]}',
);
type ChatRequest = z.output<typeof chatRequestSchema>;

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

export interface ParsedChat extends ParsedRequest {
  readonly tellsUsage: boolean;
}

/** @throws InputError */
export function parseChatRequest(body: unknown, limits: HttpLimits): ParsedChat {
  const request = parseFields(chatRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_CHAT_FIELDS);
  validateFreeText(request);
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
        topLogprobs: topLogprobsOf(request),
      }),
    }),
    tellsUsage: request.stream_options?.include_usage === true,
  };
}

function topLogprobsOf({ logprobs, top_logprobs: top }: ChatRequest): number | null {
  if (logprobs === true) return top ?? 0;
  if (top != null && top > 0) throw invalidField('logprobs', logprobs, 'true where top_logprobs is set');
  return null;
}

const typed = z.object({ type: z.string('a string') }, 'an object with a type');

/** What would tie the answer to a form is refused; tools that the model may leave alone are. */
function validateFreeText({ response_format: format, tools, tool_choice: choice }: ChatRequest): void {
  if (format != null && parseFields(typed, format, 'response_format').type !== 'text') {
    throw unsupportedField(
      'response_format',
      'this version answers in free text. Send {"type": "text"}, or leave it out.',
    );
  }
  if (tools != null && !isList(tools)) throw invalidField('tools', tools, 'a list of tools');
  if (choice != null && choice !== 'auto' && choice !== 'none')
    throw unsupportedField(
      'tool_choice',
      'this version calls no tools. Send "auto" or "none", which get an answer as text.',
    );
}
