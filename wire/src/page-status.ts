// What the page at the inference port asks the server besides answers: GET /page/status. For anybody who may send requests, so
// it names no path, no process and no reason of a failure beyond its code.
import { z } from 'zod';
import { readerFailureSchema } from './status.js';

export const pageReaderSchema = z
  .object({
    reader_id: z.string(),
    consumer_groups: z.array(z.string()),
    model_name: z.string(),
    state: z.enum(['starting', 'loading', 'live', 'draining', 'dead', 'stopped']),
    stage: z.string().optional().describe('Of a reader that is loading: what it does.'),
    fraction: z
      .number()
      .optional()
      .describe('How far the stage is, from 0 to 1; absent where nobody can tell.'),
    failure: readerFailureSchema.optional().describe('Of a dead reader.'),
    open_prompts: z.int().describe('Prompts that it has and that have not ended.'),
    max_batch_size: z.int().describe('Answers that it generates at the same time.'),
    takes_images: z.boolean().nullable().describe('Null until its model has been loaded.'),
    image_tokens: z
      .int()
      .nullable()
      .describe(
        'Rows that any image takes in a prompt; null where that depends on the size of the image, or is not known.',
      ),
    loras: z
      .array(z.string())
      .optional()
      .describe('Names that lora_id may have; absent until its model has been loaded.'),
  })
  .meta({ id: 'PageReader' });
export type PageReader = z.infer<typeof pageReaderSchema>;

export const pageLimitsSchema = z
  .object({
    body_size_limit_bytes: z.int(),
    max_image_pixels: z.int(),
    max_image_side_px: z.int(),
  })
  .meta({ id: 'PageLimits' });
export type PageLimits = z.infer<typeof pageLimitsSchema>;

export const pageStatusSchema = z
  .object({ version: z.string(), limits: pageLimitsSchema, readers: z.array(pageReaderSchema) })
  .meta({ id: 'PageStatus' });
export type PageStatus = z.infer<typeof pageStatusSchema>;
