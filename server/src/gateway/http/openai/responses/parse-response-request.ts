// Parses the body of POST /v1/responses into a job. The server keeps no state: whatever refers to earlier responses, or asks for
// this one to be kept, is refused.
import { z } from 'zod';
import type { HttpLimits } from '../../connection/http-limits.js';
import { constraintOf } from '../input/answer-form.js';
import {
  anything,
  flag,
  integer,
  isEmptyList,
  isList,
  number,
  parseFields,
  text,
} from '../../input/fields.js';
import {
  answerTokens,
  DEFAULT_MAX_TOKENS,
  imageTokenBudget,
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
import type { RequiredCall } from '../../input/required-call.js';
import { RequestImages } from '../../input/request-images.js';
import { describedTextFormat, parseTextFormat, repeatedFormat } from '../input/text-format.js';
import { describedTools, parseToolChoice, parseTools, type FunctionTool } from '../input/tools.js';
import { describedInput, parseResponseInput } from './response-input.js';

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
    ...guidedFields,
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
    image_token_budget: imageTokenBudget(),
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
  context_management: {
    isHarmless: isEmptyList,
    why: 'a conversation is read as it is sent. Shorten input.',
  },
  truncation: {
    isHarmless: (value) => value === 'disabled',
    why: 'nothing is left out of a conversation. Send "disabled", and shorten input.',
  },
};

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedResponseRequest = responseRequestSchema
  .extend({
    ...describedGuidedFields,
    ...describedTools.responses,
    model: describedModel,
    input: describedInput,
    include: anything().describe(`With "${LOGPROBS}" in it, log probabilities are told.`),
    text: z.object({ format: describedTextFormat }).nullish(),
    metadata: responseRequestSchema.shape.metadata.meta({ maxProperties: MAX_METADATA }),
  })
  .extend(describedRefusals(REFUSED_RESPONSE_FIELDS))
  .meta({ id: 'ResponseRequest' });

export interface ParsedResponse extends ParsedRequest {
  /** Null where the answer is text. */
  readonly call: RequiredCall | null;
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
  readonly text: { readonly format: object };
  readonly tools: readonly object[];
  readonly tool_choice: string | object;
}

/** @throws InputError */
export function parseResponseRequest(body: unknown, limits: HttpLimits): ParsedResponse {
  const request = parseFields(responseRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_RESPONSE_FIELDS);
  const tools = parseTools(request.tools, 'responses');
  const call = parseToolChoice(request.tool_choice, tools, 'responses');
  const format = parseTextFormat(request.text?.format);
  const images = new RequestImages(limits);
  const instructions = request.instructions ?? null;
  const conversation = parseResponseInput({ input: request.input, instructions }, images, limits);
  const sampling = toSampling(request, {
    answerCount: 1,
    maxNewTokens: request.max_output_tokens ?? DEFAULT_MAX_TOKENS,
    topLogprobs: topLogprobsOf(request),
  });
  const constraint = constraintOf({ format, guided: parseGuidedFields(request), call });
  return {
    ...toParsedRequest(request, { prompts: [conversation], images: images.sources, sampling, constraint }),
    call,
    repeated: {
      instructions,
      max_output_tokens: request.max_output_tokens ?? null,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_logprobs: request.top_logprobs ?? 0,
      metadata: request.metadata ?? {},
      text: { format: repeatedFormat(request.text?.format) },
      tools: tools.map(repeatedTool),
      tool_choice: repeatedChoice(request.tool_choice, call),
    },
  };
}

function topLogprobsOf({ include, top_logprobs: top }: ResponseRequest): number | null {
  const isAsked = isList(include) && include.includes(LOGPROBS);
  if (isAsked || (top != null && top > 0)) return top ?? 0;
  return null;
}

const repeatedTool = ({ name, description, parameters, strict }: FunctionTool): object => ({
  type: 'function',
  name,
  description,
  parameters,
  strict,
});

/** Whatever words asked for it. */
function repeatedChoice(choice: unknown, call: RequiredCall | null): string | object {
  if (typeof choice === 'string') return choice;
  if (call === null) return 'auto';
  return call.name === null ? 'required' : { type: 'function', name: call.name };
}
