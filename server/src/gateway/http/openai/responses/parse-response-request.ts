// Parses the body of POST /v1/responses into a job. The server keeps no state: whatever refers to earlier responses, or asks for
// this one to be kept, is refused.
import { z } from 'zod';
import type { HttpLimits } from '../../connection/http-limits.js';
import {
  anything,
  flag,
  integer,
  invalidField,
  isList,
  number,
  parseFields,
  text,
  unsupportedField,
} from '../input/fields.js';
import {
  answerTokens,
  DEFAULT_MAX_TOKENS,
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
import { parseResponseInput } from './response-input.js';

const LOGPROBS = 'message.output_text.logprobs';

/** The response repeats it. OpenAI's limits. */
const MAX_METADATA = 16;
const MAX_METADATA_CHARACTERS = 512;
const METADATA = `an object of up to ${MAX_METADATA} strings of up to ${MAX_METADATA_CHARACTERS} characters`;

const responseRequestSchema = z.object(
  {
    model: text(),
    input: anything(),
    instructions: text(),
    max_output_tokens: answerTokens(),
    temperature: number(0, 100),
    top_p: number(0, 1),
    top_logprobs: integer(0, MAX_TOP_LOGPROBS),
    include: anything(),
    stream: flag(),
    text: z.object({ format: anything() }, 'an object').nullish(),
    tools: anything(),
    tool_choice: anything(),
    cache_salt: text(),
    metadata: z
      .record(z.string(), z.string(METADATA).max(MAX_METADATA_CHARACTERS, METADATA), METADATA)
      .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA, METADATA)
      .nullish(),
  },
  'a JSON object such as {"model": "primary", "input": "…"}',
);
type ResponseRequest = z.output<typeof responseRequestSchema>;

const NO_STATE = 'this server keeps nothing of earlier responses. Send the whole conversation in input.';

export const REFUSED_RESPONSE_FIELDS: RefusedFields = {
  ...COMMON_REFUSED_FIELDS,
  previous_response_id: { why: NO_STATE },
  conversation: { why: NO_STATE },
  prompt: { why: 'this server keeps no prompts. Send the text in input.' },
  background: {
    isHarmless: (value) => value === false,
    why: 'an answer is given to the request that asks for it.',
  },
  truncation: {
    isHarmless: (value) => value === 'disabled',
    why: 'nothing is left out of a conversation. Send "disabled", and shorten input.',
  },
};

export interface ParsedResponse extends ParsedRequest {
  /** What the response repeats of the request. */
  readonly repeated: RepeatedFields;
}

export interface RepeatedFields {
  readonly instructions: string | null;
  readonly max_output_tokens: number | null;
  readonly temperature: number;
  readonly top_p: number;
  readonly top_logprobs: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws InputError */
export function parseResponseRequest(body: unknown, limits: HttpLimits): ParsedResponse {
  const request = parseFields(responseRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_RESPONSE_FIELDS);
  validateFreeText(request);
  const images = new RequestImages(limits);
  const instructions = request.instructions ?? null;
  const conversation = parseResponseInput({ input: request.input, instructions }, images, limits);
  const sampling = toSampling(request, {
    answerCount: 1,
    maxNewTokens: request.max_output_tokens ?? DEFAULT_MAX_TOKENS,
    topLogprobs: topLogprobsOf(request),
  });
  return {
    ...toParsedRequest(request, { prompts: [conversation], images: images.sources, sampling }),
    repeated: {
      instructions,
      max_output_tokens: request.max_output_tokens ?? null,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_logprobs: request.top_logprobs ?? 0,
      metadata: request.metadata ?? {},
    },
  };
}

function topLogprobsOf({ include, top_logprobs: top }: ResponseRequest): number | null {
  const isAsked = isList(include) && include.includes(LOGPROBS);
  if (isAsked || (top != null && top > 0)) return top ?? 0;
  return null;
}

const typed = z.object({ type: z.string('a string') }, 'an object with a type');

/** What would tie the answer to a form is refused; functions that the model may leave alone are. */
function validateFreeText({ text: asked, tools, tool_choice: choice }: ResponseRequest): void {
  const format = asked?.format;
  if (format != null && parseFields(typed, format, 'text.format').type !== 'text')
    throw unsupportedField(
      'text.format',
      'this version answers in free text. Send {"type": "text"}, or leave it out.',
    );
  if (tools != null) {
    if (!isList(tools)) throw invalidField('tools', tools, 'a list of tools');
    tools.forEach((tool, index) => {
      const { type } = parseFields(typed, tool, `tools[${index}]`);
      if (type !== 'function')
        throw unsupportedField(`tools[${index}].type`, `this server has no ${type} of its own.`);
    });
  }
  if (choice != null && choice !== 'auto' && choice !== 'none')
    throw unsupportedField(
      'tool_choice',
      'this version calls no tools. Send "auto" or "none", which get an answer as text.',
    );
}
