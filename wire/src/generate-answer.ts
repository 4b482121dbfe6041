// What /generate and /image_generate answer, and what return_metadata adds to it.
import { z } from 'zod';
import type { Frozen } from './frozen.js';

const finishReasonSchema = z.enum(['stop', 'length', 'cancelled']);
export type FinishReason = z.infer<typeof finishReasonSchema>;

const duration = (meaning: string) => z.number().min(0).describe(meaning);
const count = (meaning: string) => z.int().min(0).describe(meaning);

const promptTimingsSchema = z
  .object({
    receive_ms: duration('From the first byte of the request until its body had arrived and was parsed.'),
    decode_image_ms: duration('Fetching and decoding images.'),
    queue_ms: duration('Waiting: for a reader, for a place beside other prompts, for a schema or pattern.'),
    vision_ms: duration('Until the features of its images were there.'),
    prefill_ms: duration('Until its prompt was computed.'),
    decode_ms: duration('From its first token to its end.'),
    first_token_ms: z
      .number()
      .min(0)
      .nullable()
      .describe('From the first byte of the request to the first token; null for an answer without text.'),
    total_ms: duration('From the first byte of the request to the end of the answer.'),
  })
  .meta({
    id: 'PromptTimings',
    description:
      'What the time of one prompt went into, in milliseconds. Stages do not overlap and add up to total_ms; first_token_ms is none of them.',
  });
export type PromptTimings = Frozen<z.infer<typeof promptTimingsSchema>>;

/** What `return_metadata` adds, per prompt. */
export const generationMetadataSchema = z
  .object({
    prompt_tokens: count('Tokens of the prompt, images included.'),
    image_tokens: count('Part of prompt_tokens: rows that stand for the image.'),
    cached_tokens: count(
      'Part of prompt_tokens: what did not have to be computed, because an earlier request began alike.',
    ),
    generated_tokens: count('Tokens of the answer.'),
    finish_reason: finishReasonSchema.describe(
      'Why the answer ended: by itself, or because it was too long.',
    ),
    constraint_ms: z
      .number()
      .min(0)
      .exactOptional()
      .describe(
        'How long the prompt waited for its schema or pattern to be compiled, in milliseconds; absent where it had none.',
      ),
    warnings: z
      .array(z.string())
      .exactOptional()
      .describe(
        'What in the request was hardly meant, in sentences for people; absent where there is nothing to say.',
      ),
    timings: promptTimingsSchema.exactOptional().describe('Absent in answers of older servers.'),
  })
  .meta({ id: 'GenerationMetadata' });
export type GenerationMetadata = Frozen<z.infer<typeof generationMetadataSchema>>;

/** 200 body of /generate and /image_generate. */
export const generateResponseSchema = z
  .object({
    text: z
      .union([z.string(), z.array(z.string())])
      .describe('Without the prompt; a list exactly where the request had a list, in its order.'),
    metadata: z
      .union([generationMetadataSchema, z.array(generationMetadataSchema)])
      .exactOptional()
      .describe('With return_metadata; a list exactly where text is one.'),
  })
  .meta({ id: 'GenerateResponse' });
export type GenerateResponse = Frozen<z.infer<typeof generateResponseSchema>>;
