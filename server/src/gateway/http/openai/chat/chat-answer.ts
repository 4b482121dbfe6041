// The answers of chat completions, as the description of the API tells them.
import { z } from 'zod';
import { tokenLogprobSchema } from '../../connection/token-logprobs.js';
import { finishReasonSchema, headFields, usageSchema } from '../answer-schemas.js';

const calledSchema = z.object({ name: z.string(), arguments: z.string().describe('JSON.') });
const logprobsSchema = z
  .object({ content: z.array(tokenLogprobSchema), refusal: z.null() })
  .nullable()
  .describe('With logprobs.');
const endSchema = z.union([finishReasonSchema, z.literal('tool_calls')]);

export const chatCompletionSchema = z
  .object({
    ...headFields,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          tool_calls: z
            .array(z.object({ id: z.string(), type: z.literal('function'), function: calledSchema }))
            .optional(),
          refusal: z.null(),
        }),
        logprobs: logprobsSchema,
        finish_reason: endSchema,
      }),
    ),
    usage: usageSchema,
  })
  .meta({ id: 'ChatCompletion' });

const deltaSchema = z.object({
  role: z.literal('assistant').optional(),
  content: z.string().nullable().optional(),
  refusal: z.null().optional(),
  tool_calls: z
    .array(
      z.object({
        index: z.int(),
        id: z.string().optional(),
        type: z.literal('function').optional(),
        function: calledSchema.partial({ name: true }),
      }),
    )
    .optional(),
});

export const chatChunkSchema = z
  .object({
    ...headFields,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.int(),
        delta: deltaSchema,
        logprobs: logprobsSchema,
        finish_reason: endSchema.nullable(),
      }),
    ),
    usage: usageSchema
      .nullable()
      .optional()
      .describe('With stream_options.include_usage; null in all chunks but the last, which has no choices.'),
  })
  .meta({ id: 'ChatCompletionChunk' });
