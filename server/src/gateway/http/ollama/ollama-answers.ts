// The answers of the Ollama API, as the description of the API tells them. Durations are nanoseconds, as there.
import { z } from 'zod';
import { tokenLogprobSchema } from '../connection/token-logprobs.js';

const logprobs = z.array(tokenLogprobSchema).optional().describe('With logprobs.');
const message = z.object({ role: z.literal('assistant'), content: z.string() });

const head = { model: z.string(), created_at: z.iso.datetime() };

/** Of an answer that has ended. */
const end = {
  ...head,
  done: z.literal(true),
  done_reason: z.enum(['stop', 'length']),
  total_duration: z.int(),
  load_duration: z.int(),
  prompt_eval_count: z.int().describe('Tokens of the prompt, those of images included.'),
  prompt_eval_duration: z.int(),
  eval_count: z.int(),
  eval_duration: z.int(),
};

/** Of a request without a prompt, which asks for the model only. */
const loaded = { ...head, done: z.literal(true), done_reason: z.literal('load') };
const piece = { ...head, done: z.literal(false), logprobs };

export const chatSchemas = {
  whole: z
    .union([z.object({ ...end, message, logprobs }), z.object({ ...loaded, message })])
    .meta({ id: 'OllamaChat' }),
  line: z
    .union([z.object({ ...piece, message }), z.object({ ...end, message })])
    .meta({ id: 'OllamaChatLine' }),
};

export const generateSchemas = {
  whole: z
    .union([
      z.object({ ...end, response: z.string(), logprobs }),
      z.object({ ...loaded, response: z.string() }),
    ])
    .meta({ id: 'OllamaGenerated' }),
  line: z
    .union([z.object({ ...piece, response: z.string() }), z.object({ ...end, response: z.string() })])
    .meta({ id: 'OllamaGeneratedLine' }),
};

const details = z
  .object({
    parent_model: z.string(),
    format: z.string(),
    family: z.string(),
    families: z.array(z.string()),
    parameter_size: z.string(),
    quantization_level: z.string(),
  })
  .describe('What this server does not know is empty.');

const model = z.object({
  name: z.string(),
  model: z.string(),
  size: z.literal(0).describe('Not told.'),
  digest: z.string().describe('Equal as long as the program and the models of the group are the same.'),
  details,
});

export const modelSchemas = {
  tags: z
    .object({ models: z.array(model.extend({ modified_at: z.iso.datetime() })) })
    .meta({ id: 'OllamaModels' }),
  running: z
    .object({ models: z.array(model.extend({ expires_at: z.iso.datetime(), size_vram: z.literal(0) })) })
    .meta({ id: 'OllamaRunningModels' }),
  shown: z
    .object({
      modified_at: z.iso.datetime(),
      details,
      model_info: z.record(z.string(), z.union([z.string(), z.number()])),
      capabilities: z.array(z.enum(['completion', 'vision'])),
    })
    .meta({ id: 'OllamaModel' }),
  version: z.object({ version: z.string() }).meta({ id: 'OllamaVersion' }),
};
export type ShownModel = z.infer<typeof modelSchemas.shown>;
