// The `messages` of a chat request to a conversation.
import { z } from 'zod';
import type { Conversation, PromptPart } from '../../../../link/requests/messages.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { describedContent, describedTextContent, parseContent, parseTextContent } from '../input/content.js';
import { ConversationBuilder, MAX_MESSAGES } from '../../input/conversation-builder.js';
import { anything, invalidField, parseFields, parseList, requiredText, text } from '../../input/fields.js';
import type { RequestImages } from '../../input/request-images.js';
import { callAsText, resultAsText } from '../../input/tool-text.js';

const MAX_TOOL_CALLS = 128;

const messageSchema = z.object(
  { role: requiredText(), content: anything(), name: text(), tool_calls: anything(), tool_call_id: text() },
  'an object with role and content',
);
type Message = z.output<typeof messageSchema>;

const toolCallSchema = z.object({
  id: text(),
  function: z.object(
    { name: requiredText(), arguments: requiredText() },
    'an object with name and arguments',
  ),
});

const textMessage = messageSchema.extend({ content: describedTextContent });

/** Messages as the description of the API tells them. */
export const describedMessages = z
  .array(
    z.union([
      textMessage
        .extend({ role: z.enum(['system', 'developer', 'tool', 'function']) })
        .omit({ tool_calls: true }),
      messageSchema.extend({ role: z.literal('user'), content: describedContent }).omit({ tool_calls: true }),
      textMessage.extend({
        role: z.literal('assistant'),
        tool_calls: z.array(toolCallSchema).min(1).max(MAX_TOOL_CALLS).nullish(),
      }),
    ]),
  )
  .min(1)
  .max(MAX_MESSAGES)
  .describe("System messages aside, the last one is not the assistant's.");

/** @throws InputError */
export function parseMessages(messages: unknown, images: RequestImages, limits: HttpLimits): Conversation {
  const conversation = new ConversationBuilder();
  const calls = new Map<string, string>();
  parseList(messages, MAX_MESSAGES, 'messages', 'messages').forEach((given, index) => {
    const place = `messages[${index}]`;
    addMessage(parseFields(messageSchema, given, place), place, { conversation, calls, images });
  });
  return conversation.finish('messages', limits);
}

interface Gathered {
  readonly conversation: ConversationBuilder;
  /** Names of the tools that were called, by the ids of the calls. */
  readonly calls: Map<string, string>;
  readonly images: RequestImages;
}

function addMessage(message: Message, place: string, { conversation, calls, images }: Gathered): void {
  const content = `${place}.content`;
  switch (message.role) {
    case 'system':
    case 'developer':
      conversation.addSystem(parseTextContent(message.content, content));
      break;
    case 'user':
      conversation.add('user', parseContent(message.content, content, images));
      break;
    case 'assistant':
      conversation.add('assistant', [
        ...parseContent(message.content, content, null),
        ...toolCallsAsText(message.tool_calls, `${place}.tool_calls`, calls),
      ]);
      break;
    case 'tool':
    case 'function': {
      const name = calls.get(message.tool_call_id ?? '') ?? message.name ?? 'the tool';
      conversation.add('user', [resultAsText(name, parseTextContent(message.content, content))]);
      break;
    }
    default:
      throw invalidField(`${place}.role`, message.role, 'system, developer, user, assistant or tool');
  }
}

function toolCallsAsText(given: unknown, field: string, calls: Gathered['calls']): PromptPart[] {
  if (given === undefined || given === null) return [];
  return parseList(given, MAX_TOOL_CALLS, field, 'calls').map((call, index) => {
    const { id, function: called } = parseFields(toolCallSchema, call, `${field}[${index}]`);
    if (id != null) calls.set(id, called.name);
    return callAsText(called.name, called.arguments);
  });
}
