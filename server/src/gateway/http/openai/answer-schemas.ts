// What the answers of chat completions, completions and responses have in common, as the description of the API tells it.
import type { Frozen } from 'takeoff-wire';
import { z } from 'zod';

export const openaiErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.enum(['invalid_request_error', 'server_error']),
      param: z
        .string()
        .nullable()
        .describe('The field that the error is about, such as `messages[0].content[1]`.'),
      code: z.string(),
    }),
  })
  .meta({ id: 'OpenaiErrorBody' });
export type OpenaiErrorBody = Frozen<z.infer<typeof openaiErrorSchema>>;

export const usageSchema = z
  .object({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
    prompt_tokens_details: z.object({ cached_tokens: z.int(), image_tokens: z.int() }),
    completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
  })
  .meta({ id: 'OpenaiUsage' });

export type OpenaiUsage = Frozen<z.infer<typeof usageSchema>>;

export const finishReasonSchema = z.enum(['stop', 'length']);

/** What every answer says of itself. */
export const headFields = {
  id: z.string(),
  created: z.int().describe('Seconds since 1970.'),
  model: z.string(),
  system_fingerprint: z.string(),
};

const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int().describe('Seconds since 1970.'),
    owned_by: z.literal('takeoff'),
    root: z.string().describe("The model behind the name, as the operator configured it; vLLM's word."),
  })
  .meta({ id: 'Model' });
export type ModelEntry = Readonly<z.infer<typeof modelSchema>>;

export const modelsSchema = {
  one: modelSchema,
  list: z.object({ object: z.literal('list'), data: z.array(modelSchema) }).meta({ id: 'ModelList' }),
};
