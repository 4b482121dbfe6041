// The answers of responses and the events that build them, as the description of the API tells them.
import { z } from 'zod';
import { tokenLogprobSchema } from '../../connection/token-logprobs.js';

const statusSchema = z.enum(['in_progress', 'completed', 'incomplete']);
const logprobs = z.array(tokenLogprobSchema);

const partSchema = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: logprobs.optional(),
});

const itemSchema = z
  .union([
    z.object({
      id: z.string(),
      type: z.literal('message'),
      status: statusSchema,
      role: z.literal('assistant'),
      content: z.array(partSchema),
    }),
    z.object({
      id: z.string(),
      type: z.literal('function_call'),
      status: statusSchema,
      call_id: z.string(),
      name: z.string(),
      arguments: z.string().describe('JSON.'),
    }),
  ])
  .meta({ id: 'OutputItem' });

const text = z.string().nullable();

export const responseSchema = z
  .object({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int().describe('Seconds since 1970.'),
    status: statusSchema,
    background: z.literal(false),
    error: z.null(),
    incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
    model: z.string(),
    output: z.array(itemSchema),
    instructions: text,
    max_output_tokens: z.int().nullable(),
    temperature: z.number(),
    top_p: z.number(),
    top_logprobs: z.int(),
    metadata: z.record(z.string(), z.string()),
    text: z.object({ format: z.looseObject({ type: z.string() }) }),
    tools: z.array(
      z.object({
        type: z.literal('function'),
        name: z.string(),
        description: text,
        parameters: z.unknown(),
        strict: z.boolean().nullable(),
      }),
    ),
    tool_choice: z.union([z.string(), z.object({ type: z.literal('function'), name: z.string() })]),
    parallel_tool_calls: z.literal(false),
    previous_response_id: z.null(),
    reasoning: z.object({ effort: z.null(), summary: z.null() }),
    store: z.literal(false),
    truncation: z.literal('disabled'),
    usage: z
      .object({
        input_tokens: z.int(),
        input_tokens_details: z.object({ cached_tokens: z.int(), image_tokens: z.int() }),
        output_tokens: z.int(),
        output_tokens_details: z.object({ reasoning_tokens: z.int() }),
        total_tokens: z.int(),
      })
      .nullable(),
    user: z.null(),
  })
  .meta({ id: 'Response' });

const event = <Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) =>
  z.object({ type: z.literal(type), sequence_number: z.int(), ...fields });

const inOutput = { output_index: z.int() };
const inItem = { ...inOutput, item_id: z.string() };
const inMessage = { ...inItem, content_index: z.int() };
const response = { response: responseSchema };

/** By the names of the events. */
export const RESPONSE_EVENTS = {
  'response.created': event('response.created', response),
  'response.in_progress': event('response.in_progress', response),
  'response.output_item.added': event('response.output_item.added', { ...inOutput, item: itemSchema }),
  'response.content_part.added': event('response.content_part.added', { ...inMessage, part: partSchema }),
  'response.output_text.delta': event('response.output_text.delta', {
    ...inMessage,
    delta: z.string(),
    logprobs,
  }),
  'response.output_text.done': event('response.output_text.done', {
    ...inMessage,
    text: z.string(),
    logprobs,
  }),
  'response.content_part.done': event('response.content_part.done', { ...inMessage, part: partSchema }),
  'response.function_call_arguments.delta': event('response.function_call_arguments.delta', {
    ...inItem,
    delta: z.string(),
  }),
  'response.function_call_arguments.done': event('response.function_call_arguments.done', {
    ...inItem,
    name: z.string(),
    arguments: z.string(),
  }),
  'response.output_item.done': event('response.output_item.done', { ...inOutput, item: itemSchema }),
  'response.completed': event('response.completed', response),
  'response.incomplete': event('response.incomplete', response),
  error: event('error', { code: z.string(), message: z.string(), param: text }),
} as const;
