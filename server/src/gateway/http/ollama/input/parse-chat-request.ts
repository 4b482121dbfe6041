// Parses the body of POST /api/chat into a job: its messages become a conversation.
import { z } from 'zod';
import type { Conversation, PromptPart } from '../../../../link/requests/messages.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { ConversationBuilder, MAX_MESSAGES } from '../../input/conversation-builder.js';
import {
  anything,
  invalidField,
  isEmptyList,
  parseFields,
  parseList,
  requiredText,
  text,
} from '../../input/fields.js';
import {
  describedRefusals,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';
import { RequestImages } from '../../input/request-images.js';
import { argumentsAsText, callAsText, resultAsText } from '../../input/tool-text.js';
import { describedImages, parseImages } from './message-images.js';
import {
  describedSharedFields,
  SHARED_REFUSED_FIELDS,
  sharedFields,
  toParsedOllama,
  type ParsedOllama,
} from './shared-fields.js';

const MAX_TOOL_CALLS = 128;

const chatRequestSchema = z.object(
  { ...sharedFields, messages: anything() },
  'a JSON object such as {"model": "primary", "messages": [{"role": "user", "content": "…"}]}',
);

const messageSchema = z.object(
  {
    role: requiredText(),
    content: text(),
    images: anything(),
    tool_calls: anything(),
    tool_name: text(),
  },
  'an object with role and content',
);

const toolCallSchema = z.object({
  function: z.object(
    { name: requiredText(), arguments: z.looseObject({}, 'an object').nullish() },
    'an object with name and arguments',
  ),
});

export const REFUSED_CHAT_FIELDS: RefusedFields = {
  ...SHARED_REFUSED_FIELDS,
  tools: {
    isHarmless: isEmptyList,
    why: 'LLaVA models call no tools by themselves. /v1/chat/completions has calls that are required.',
  },
};

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedChatRequest = chatRequestSchema
  .extend({
    ...describedSharedFields,
    messages: z
      .array(
        messageSchema.extend({
          role: z.enum(['system', 'user', 'assistant', 'tool']),
          images: describedImages,
          tool_calls: z.array(toolCallSchema).max(MAX_TOOL_CALLS).nullish(),
        }),
      )
      .max(MAX_MESSAGES)
      .nullish()
      .describe("System messages aside, the last one is not the assistant's. Only the user's have images."),
  })
  .extend(describedRefusals(REFUSED_CHAT_FIELDS))
  .meta({ id: 'OllamaChatRequest' });

/** @throws InputError */
export function parseChatRequest(body: unknown, limits: HttpLimits): ParsedOllama {
  const request = parseFields(chatRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_CHAT_FIELDS);
  const images = new RequestImages(limits);
  const { messages } = request;
  const isEmpty = messages === undefined || messages === null || isEmptyList(messages);
  return toParsedOllama(request, isEmpty ? null : parseMessages(messages, images, limits), images);
}

function parseMessages(messages: unknown, images: RequestImages, limits: HttpLimits): Conversation {
  const conversation = new ConversationBuilder();
  parseList(messages, MAX_MESSAGES, 'messages', 'messages').forEach((given, index) => {
    const place = `messages[${index}]`;
    addMessage(parseFields(messageSchema, given, place), place, { conversation, images });
  });
  return conversation.finish('messages', limits);
}

interface Gathered {
  readonly conversation: ConversationBuilder;
  readonly images: RequestImages;
}

function addMessage(
  message: z.output<typeof messageSchema>,
  place: string,
  { conversation, images }: Gathered,
): void {
  const { role, content, tool_name: tool } = message;
  const said: PromptPart[] = content == null || content === '' ? [] : [{ kind: 'text', text: content }];
  const shown = parseImages(message.images, `${place}.images`, images);
  if (shown.length > 0 && role !== 'user')
    throw invalidField(`${place}.images`, message.images, 'images in messages of the role user');
  switch (role) {
    case 'system':
      conversation.addSystem(content ?? '');
      break;
    case 'user':
      conversation.add('user', [...shown, ...said]);
      break;
    case 'assistant':
      conversation.add('assistant', [...said, ...toolCallsAsText(message.tool_calls, `${place}.tool_calls`)]);
      break;
    case 'tool':
      conversation.add('user', [resultAsText(tool ?? 'the tool', content ?? '')]);
      break;
    default:
      throw invalidField(`${place}.role`, role, 'system, user, assistant or tool');
  }
}

function toolCallsAsText(given: unknown, field: string): PromptPart[] {
  if (given === undefined || given === null || isEmptyList(given)) return [];
  return parseList(given, MAX_TOOL_CALLS, field, 'calls').map((call, index) => {
    const place = `${field}[${index}]`;
    const { function: called } = parseFields(toolCallSchema, call, place);
    return callAsText(called.name, argumentsAsText(called.arguments ?? {}, `${place}.function.arguments`));
  });
}
