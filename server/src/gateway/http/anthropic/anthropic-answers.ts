// The answers of Anthropic's API, as the description of the API tells them.
import { z } from 'zod';

const usage = z
  .object({
    input_tokens: z
      .int()
      .describe('Of the prompt, those of images included, without those that were cached.'),
    cache_creation_input_tokens: z.literal(0),
    cache_read_input_tokens: z.int(),
    output_tokens: z.int(),
  })
  .meta({ id: 'AnthropicUsage' });
export type AnthropicUsage = z.infer<typeof usage>;

const textBlock = z.object({ type: z.literal('text'), text: z.string() });
const callBlock = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const block = z.union([textBlock, callBlock]);
const stopReason = z.enum(['end_turn', 'max_tokens', 'tool_use']);
export type StopReason = z.infer<typeof stopReason>;

export const messageSchema = z
  .object({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string(),
    content: z.array(block),
    stop_reason: stopReason.nullable(),
    stop_sequence: z.null().describe('Which stop sequence ended the answer is not told.'),
    usage,
  })
  .meta({ id: 'AnthropicMessage' });

/** By the name of the event. */
export const MESSAGE_EVENTS = {
  message_start: z.object({ type: z.literal('message_start'), message: messageSchema }),
  content_block_start: z.object({
    type: z.literal('content_block_start'),
    index: z.int(),
    content_block: block,
  }),
  content_block_delta: z.object({
    type: z.literal('content_block_delta'),
    index: z.int(),
    delta: z.union([
      z.object({ type: z.literal('text_delta'), text: z.string() }),
      z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
    ]),
  }),
  content_block_stop: z.object({ type: z.literal('content_block_stop'), index: z.int() }),
  message_delta: z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: stopReason, stop_sequence: z.null() }),
    usage,
  }),
  message_stop: z.object({ type: z.literal('message_stop') }),
  ping: z.object({ type: z.literal('ping') }),
};

export const tokenCountSchema = z.object({ input_tokens: z.int() }).meta({ id: 'AnthropicTokenCount' });
