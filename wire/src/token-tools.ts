// The token tools: /tokenize, /detokenize and /chat_template of one reader (Takeoff 0.21), and /count. Shape only: types and nullability.
import { z } from 'zod';

const flag = (meaning: string) => z.boolean().nullish().meta({ description: meaning, default: false });
/** Larger ones are no side of an image, and no id of a token; the server has words of its own for both. */
const sidePx = z.int().min(1).meta({ maximum: 65_535 });
const tokenId = z.int().min(0).meta({ maximum: 2_147_483_647 });

/** POST /tokenize/:reader_id. A list of two texts is a pair, not a batch. */
export const tokenizeRequestSchema = z
  .object({
    text: z
      .union([z.string(), z.tuple([z.string(), z.string()])])
      .describe('A text, or a pair of two. A pair is no batch: its tokens follow each other.'),
    skip_special_tokens: flag(
      'Leaves out tokens outside the plain vocabulary, such as that which begins a text.',
    ),
    use_chat_template: flag(
      "Takes the text for what a user says, in the model's own chat format. Not for pairs.",
    ),
    image_sizes: z
      .array(z.tuple([sidePx, sidePx]))
      .nullish()
      .describe(
        'An extension: width and height of what the image tags in the text name, in their order. Without it a tag is text.',
      ),
  })
  .meta({ id: 'TokenizeRequest' });
export type TokenizeRequest = z.infer<typeof tokenizeRequestSchema>;

export const tokenizeResponseSchema = z
  .object({
    tokens: z
      .array(z.string())
      .describe('As the vocabulary spells them; `<image>` for each row of an image.'),
    tokens_count: z.int(),
  })
  .meta({ id: 'TokenizeResponse' });
export type TokenizeResponse = z.infer<typeof tokenizeResponseSchema>;

/** POST /detokenize/:reader_id */
export const detokenizeRequestSchema = z
  .object({
    tokens: z.union([z.array(tokenId), z.array(z.string())]).describe('Ids, or spellings.'),
    skip_special_tokens: flag('Leaves special tokens out of the text.'),
  })
  .meta({ id: 'DetokenizeRequest' });
export type DetokenizeRequest = z.infer<typeof detokenizeRequestSchema>;

export const detokenizeResponseSchema = z.object({ text: z.string() }).meta({ id: 'DetokenizeResponse' });
export type DetokenizeResponse = z.infer<typeof detokenizeResponseSchema>;

/** POST /chat_template/:reader_id */
export const chatTemplateRequestSchema = z
  .object({
    inputs: z
      .array(z.array(z.object({ role: z.string(), content: z.string() })))
      .describe('Conversations. Roles are user and assistant, and system for the first message.'),
    add_generation_prompt: flag("Ends each text where the model's answer begins."),
  })
  .meta({ id: 'ChatTemplateRequest' });
export type ChatTemplateRequest = z.infer<typeof chatTemplateRequestSchema>;

export const chatTemplateResponseSchema = z
  .object({ messages: z.array(z.string()).describe('A text for each conversation, in their order.') })
  .meta({ id: 'ChatTemplateResponse' });
export type ChatTemplateResponse = z.infer<typeof chatTemplateResponseSchema>;

/** What one prompt takes in the model. */
export const promptCountSchema = z
  .object({
    prompt_tokens: z.int().describe('Images included.'),
    image_tokens: z.int().describe('Part of prompt_tokens.'),
    fits: z.boolean().describe('Whether the model can answer it: there are tokens, and room for one more.'),
    max_answer_tokens: z.int().describe('Longest answer that the model has room for after this prompt.'),
  })
  .meta({ id: 'PromptCounts' });
export type PromptCounts = z.infer<typeof promptCountSchema>;

/** POST /count: `count` is a list exactly where `text` of the request was one. */
export const countResponseSchema = z
  .object({
    count: z.union([promptCountSchema, z.array(promptCountSchema)]),
    context_tokens: z.int().describe('What prompt and answer may have together.'),
  })
  .meta({ id: 'CountResponse' });
export type CountResponse = z.infer<typeof countResponseSchema>;
