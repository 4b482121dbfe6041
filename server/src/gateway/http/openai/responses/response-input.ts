// The `input` and `instructions` of a responses request to a conversation: a string, or a list of messages and of calls of tools,
// which are rendered as text.
import { z } from 'zod';
import type { Conversation } from '../../../../link/requests/messages.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { callAsText, resultAsText } from '../../input/tool-text.js';
import { describedContent, describedTextContent, parseContent, parseTextContent } from '../input/content.js';
import { ConversationBuilder, MAX_MESSAGES } from '../../input/conversation-builder.js';
import {
  anything,
  invalidField,
  parseFields,
  parseList,
  requiredText,
  text,
  unsupportedField,
} from '../../input/fields.js';
import type { RequestImages } from '../../input/request-images.js';

const itemSchema = z.object({ type: text() }, 'an object with role and content');
const messageSchema = z.object({ role: requiredText(), content: anything() });
const callSchema = z.object({ call_id: text(), name: requiredText(), arguments: requiredText() });
const resultSchema = z.object({ call_id: text(), output: anything() });

const describedItem = z.union([
  messageSchema.extend({
    type: z.literal('message').nullish(),
    role: z.literal('user'),
    content: describedContent,
  }),
  messageSchema.extend({
    type: z.literal('message').nullish(),
    role: z.enum(['system', 'developer', 'assistant']),
    content: describedTextContent,
  }),
  callSchema.extend({ type: z.literal('function_call') }),
  resultSchema.extend({ type: z.literal('function_call_output'), output: describedTextContent }),
  z.object({ type: z.literal('reasoning') }).describe('Of another model, and passed over.'),
]);

/** `input` as the description of the API tells it. */
export const describedInput = z
  .union([z.string(), z.array(describedItem).min(1).max(MAX_MESSAGES)])
  .describe("A text, or items. System messages aside, the last one is not the assistant's, and no call.");

export interface ResponseInput {
  readonly input: unknown;
  readonly instructions: string | null;
}

/** @throws InputError */
export function parseResponseInput(
  { input, instructions }: ResponseInput,
  images: RequestImages,
  limits: HttpLimits,
): Conversation {
  const conversation = new ConversationBuilder();
  if (instructions !== null) conversation.addSystem(instructions);
  if (typeof input === 'string') {
    conversation.add('user', [{ kind: 'text', text: input }]);
    return conversation.finish('input', limits);
  }
  const gathered: Gathered = { conversation, calls: new Map(), images };
  parseList(input, MAX_MESSAGES, 'input', 'items, or a string').forEach((item, index) =>
    addItem(item, `input[${index}]`, gathered),
  );
  return conversation.finish('input', limits);
}

interface Gathered {
  readonly conversation: ConversationBuilder;
  /** Names of the tools that were called, by the ids of the calls. */
  readonly calls: Map<string, string>;
  readonly images: RequestImages;
}

function addItem(item: unknown, place: string, gathered: Gathered): void {
  const { conversation, calls } = gathered;
  const { type } = parseFields(itemSchema, item, place);
  switch (type ?? 'message') {
    case 'message':
      addMessage(item, place, gathered);
      break;
    case 'function_call': {
      const { call_id: id, name, arguments: args } = parseFields(callSchema, item, place);
      if (id != null) calls.set(id, name);
      conversation.add('assistant', [callAsText(name, args)]);
      break;
    }
    case 'function_call_output': {
      const { call_id: id, output } = parseFields(resultSchema, item, place);
      const result = parseTextContent(output, `${place}.output`);
      conversation.add('user', [resultAsText(calls.get(id ?? '') ?? 'the tool', result)]);
      break;
    }
    case 'reasoning':
      // Of another model, and not for this one to read.
      break;
    case 'item_reference':
      throw unsupportedField(
        `${place}.type`,
        'this server keeps nothing of earlier responses. Send the item itself.',
      );
    default:
      throw invalidField(`${place}.type`, type, 'message, function_call, function_call_output or reasoning');
  }
}

function addMessage(item: unknown, place: string, { conversation, images }: Gathered): void {
  const { role, content } = parseFields(messageSchema, item, place);
  const field = `${place}.content`;
  switch (role) {
    case 'system':
    case 'developer':
      conversation.addSystem(parseTextContent(content, field));
      break;
    case 'user':
      conversation.add('user', parseContent(content, field, images));
      break;
    case 'assistant':
      conversation.add('assistant', parseContent(content, field, null));
      break;
    default:
      throw invalidField(`${place}.role`, role, 'system, developer, user or assistant');
  }
}
