// The answers of completions, as the description of the API tells them.
import { z } from 'zod';
import { finishReasonSchema, headFields, usageSchema } from '../answer-schemas.js';

const choice = <End extends z.ZodType>(finishReason: End) =>
  z.object({
    text: z.string(),
    index: z.int(),
    logprobs: z
      .object({
        tokens: z.array(z.string()),
        token_logprobs: z.array(z.number()),
        top_logprobs: z.array(z.record(z.string(), z.number())),
        text_offset: z.array(z.int()),
      })
      .nullable()
      .describe('With logprobs.'),
    finish_reason: finishReason,
  });

const facts = { ...headFields, object: z.literal('text_completion') };

export const completionSchema = z
  .object({ ...facts, choices: z.array(choice(finishReasonSchema)), usage: usageSchema })
  .meta({ id: 'Completion' });

export const completionChunkSchema = z
  .object({
    ...facts,
    choices: z.array(choice(finishReasonSchema.nullable())),
    usage: usageSchema
      .nullable()
      .optional()
      .describe('With stream_options.include_usage; null in all chunks but the last, which has no choices.'),
  })
  .meta({ id: 'CompletionChunk' });
