// The content of one message: a string, or blocks of text and images, of calls of tools and of their results.
import { z } from 'zod';
import type { PromptPart } from '../../../../link/requests/messages.js';
import { imagesFirst } from '../../input/conversation-builder.js';
import {
  anything,
  flag,
  invalidField,
  isEmptyList,
  parseFields,
  parseList,
  requiredText,
  unsupportedField,
} from '../../input/fields.js';
import { toolName } from './tools.js';
import type { RequestImages } from '../../input/request-images.js';
import { argumentsAsText, callAsText, failureAsText, resultAsText } from '../../input/tool-text.js';

/** A message with more blocks than anybody writes by hand. */
const MAX_BLOCKS = 1024;

const typed = z.object({ type: requiredText() }, 'an object with a type');
const textBlock = z.object({ text: requiredText() });
const base64Source = z.object({ type: z.literal('base64'), data: requiredText() });
const urlSource = z.object({ type: z.literal('url'), url: requiredText() });
const imageBlock = z.object({
  source: z.discriminatedUnion(
    'type',
    [base64Source, urlSource],
    'an object with the type base64 and data, or the type url and url',
  ),
});
const callBlock = z.object({
  id: requiredText(),
  name: toolName(),
  input: z.looseObject({}, 'an object'),
});
const resultBlock = z.object({ tool_use_id: requiredText(), content: anything(), is_error: flag() });

const describedText = textBlock.extend({ type: z.literal('text') });
const describedImage = imageBlock.extend({
  type: z.literal('image'),
  source: z.union([base64Source.extend({ data: z.string().meta({ contentEncoding: 'base64' }) }), urlSource]),
});
const described = <Block extends z.ZodType>(block: Block) =>
  z.union([z.string(), z.array(block).max(MAX_BLOCKS)]);

/** Content as the description of the API tells it. */
export const describedContent = {
  system: described(describedText).nullish(),
  user: described(
    z.union([
      describedText,
      describedImage,
      resultBlock.extend({
        type: z.literal('tool_result'),
        content: described(z.union([describedText, describedImage])).nullish(),
      }),
    ]),
  ),
  assistant: described(z.union([describedText, callBlock.extend({ type: z.literal('tool_use') })])),
};

export interface MessageContext {
  readonly images: RequestImages;
  /** Names of the tools that were called, by the ids of the calls. */
  readonly calls: Map<string, string>;
}

/** Whose content it is: that of a result of a tool stands in a message of the user. */
type Author = 'user' | 'assistant' | 'tool';

const ALLOWED: Readonly<Record<Author, string>> = {
  user: 'text, image or tool_result in messages of the user',
  assistant: 'text or tool_use in messages of the assistant',
  tool: 'text or image in results of tools',
};

/** @throws InputError */
export function parseContent(
  content: unknown,
  field: string,
  author: Author,
  context: MessageContext,
): readonly PromptPart[] {
  if (content === '' || isEmptyList(content)) return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  const blocks = parseList(content, MAX_BLOCKS, field, 'blocks, or a string');
  return imagesFirst(
    blocks.flatMap((block, index) => parseBlock(block, `${field}[${index}]`, author, context)),
  );
}

/** Text alone. */
export function parseSystem(content: unknown, field: string): string {
  if (content === undefined || content === null || isEmptyList(content)) return '';
  if (typeof content === 'string') return content;
  return parseList(content, MAX_BLOCKS, field, 'blocks, or a string')
    .map((block, index) => {
      const place = `${field}[${index}]`;
      const { type } = parseFields(typed, block, place);
      if (type !== 'text') throw invalidField(`${place}.type`, type, 'text');
      return parseFields(textBlock, block, place).text;
    })
    .join('\n');
}

function parseBlock(
  block: unknown,
  field: string,
  author: Author,
  { images, calls }: MessageContext,
): readonly PromptPart[] {
  const { type } = parseFields(typed, block, field);
  if (type === 'text') return textParts(parseFields(textBlock, block, field).text);
  // What a model thought is not shown to it again.
  if (author === 'assistant' && (type === 'thinking' || type === 'redacted_thinking')) return [];
  if (author === 'assistant' && type === 'tool_use') {
    const { id, name, input } = parseFields(callBlock, block, field);
    calls.set(id, name);
    return [callAsText(name, argumentsAsText(input, `${field}.input`))];
  }
  if (author !== 'assistant' && type === 'image') return [parseImage(block, field, images)];
  if (author === 'user' && type === 'tool_result') return parseResult(block, field, { images, calls });
  if (type === 'document' || type === 'search_result')
    throw unsupportedField(
      `${field}.type`,
      `this server reads text and images, and no block of type ${type}.`,
    );
  throw invalidField(`${field}.type`, type, ALLOWED[author]);
}

function parseImage(block: unknown, field: string, images: RequestImages): PromptPart {
  const { source } = parseFields(imageBlock, block, field);
  return source.type === 'base64'
    ? images.addBase64(source.data, `${field}.source.data`)
    : images.addUrl(source.url, `${field}.source.url`);
}

function parseResult(block: unknown, field: string, context: MessageContext): readonly PromptPart[] {
  const { tool_use_id: id, content, is_error: isError } = parseFields(resultBlock, block, field);
  const parts =
    content === undefined || content === null
      ? []
      : parseContent(content, `${field}.content`, 'tool', context);
  const texts = parts.map((part) => (part.kind === 'text' ? part.text : '')).filter((text) => text !== '');
  const shown = parts.filter(({ kind }) => kind === 'image');
  const tell = isError === true ? failureAsText : resultAsText;
  return [...shown, tell(context.calls.get(id) ?? 'the tool', texts.join('\n'))];
}

const textParts = (text: string): readonly PromptPart[] => (text === '' ? [] : [{ kind: 'text', text }]);
