// The token tools: /tokenize, /detokenize and /chat_template of one reader (Takeoff 0.21), and /count. Shape only: types and nullability.
import { z } from 'zod';

const flag = z.boolean().nullish();

/** POST /tokenize/:reader_id. A list of two texts is a pair, not a batch. */
export const tokenizeRequestSchema = z.object({
  text: z.union([z.string(), z.tuple([z.string(), z.string()])]),
  /** Leaves out tokens outside the plain vocabulary, such as that which begins a text. */
  skip_special_tokens: flag,
  /** Takes the text for what a user says, in the model's own chat format. */
  use_chat_template: flag,
  /** An extension: width and height of what the image tags in the text name, in their order. Without it a tag is text. */
  image_sizes: z.array(z.tuple([z.int().min(1), z.int().min(1)])).nullish(),
});
export type TokenizeRequest = z.infer<typeof tokenizeRequestSchema>;

export const tokenizeResponseSchema = z.object({
  /** As the vocabulary spells them; `<image>` for each row of an image. */
  tokens: z.array(z.string()),
  tokens_count: z.int(),
});
export type TokenizeResponse = z.infer<typeof tokenizeResponseSchema>;

/** POST /detokenize/:reader_id */
export const detokenizeRequestSchema = z.object({
  tokens: z.union([z.array(z.int().min(0)), z.array(z.string())]),
  skip_special_tokens: flag,
});
export type DetokenizeRequest = z.infer<typeof detokenizeRequestSchema>;

export const detokenizeResponseSchema = z.object({ text: z.string() });
export type DetokenizeResponse = z.infer<typeof detokenizeResponseSchema>;

/** POST /chat_template/:reader_id */
export const chatTemplateRequestSchema = z.object({
  inputs: z.array(z.array(z.object({ role: z.string(), content: z.string() }))),
  add_generation_prompt: flag,
});
export type ChatTemplateRequest = z.infer<typeof chatTemplateRequestSchema>;

export const chatTemplateResponseSchema = z.object({ messages: z.array(z.string()) });
export type ChatTemplateResponse = z.infer<typeof chatTemplateResponseSchema>;

/** What one prompt takes in the model. */
export const promptCountSchema = z.object({
  /** Images included. */
  prompt_tokens: z.int(),
  /** Part of prompt_tokens. */
  image_tokens: z.int(),
  /** Whether the model can answer it: there are tokens, and room for one more. */
  fits: z.boolean(),
  /** Longest answer that the model has room for after this prompt. */
  max_answer_tokens: z.int(),
});
export type PromptCounts = z.infer<typeof promptCountSchema>;

/** POST /count: `count` is a list exactly where `text` of the request was one. */
export const countResponseSchema = z.object({
  count: z.union([promptCountSchema, z.array(promptCountSchema)]),
  /** What prompt and answer may have together. */
  context_tokens: z.int(),
});
export type CountResponse = z.infer<typeof countResponseSchema>;
