// The content of one message: a string, or a list of parts as OpenAI's two APIs and the libraries above them write it. Text becomes
// text and nothing else: neither tags nor special tokens are looked for in it.
import { z } from 'zod';
import type { PromptPart } from '../../../../link/requests/messages.js';
import {
  invalidField,
  parseFields,
  parseList,
  requiredText,
  text,
  unsupportedField,
} from '../../input/fields.js';
import { imagesFirst } from '../../input/conversation-builder.js';
import type { RequestImages } from '../../input/request-images.js';

/** A turn with more parts than anybody writes by hand. */
const MAX_PARTS = 1024;

const typedPart = z.object({ type: requiredText() }, 'an object with a type');
const textPart = z.object({ text: requiredText() });
const refusalPart = z.object({ refusal: requiredText() });
const imageUrlPart = z.object({
  image_url: z.union([z.string(), z.object({ url: z.string() })], 'a URL, or an object with one in url'),
});
const inputImagePart = z.object({ image_url: text(), file_id: text() });
/** A block of LangChain, which its OpenAI client passes on as it is. */
const langchainImage = z.object({ data: text(), base64: text(), url: text() });

const describedText = z.union([
  textPart.extend({ type: z.enum(['text', 'input_text', 'output_text']) }),
  refusalPart.extend({ type: z.literal('refusal') }),
]);
const describedUrl = z.string().meta({
  format: 'uri',
  description: 'A data URL with base64, or a web address where the server fetches remote images.',
});
const describedPart = z.union([
  describedText,
  imageUrlPart.extend({
    type: z.literal('image_url'),
    image_url: z.union([describedUrl, z.object({ url: describedUrl })]),
  }),
  inputImagePart.extend({ type: z.literal('input_image'), image_url: describedUrl }).omit({ file_id: true }),
  langchainImage
    .extend({ type: z.literal('image'), data: z.string().meta({ contentEncoding: 'base64' }) })
    .omit({ base64: true, url: true })
    .describe("LangChain's."),
]);

/** Content as the description of the API tells it: with images, and of text alone. */
export const describedContent = z.union([z.string(), z.array(describedPart).min(1).max(MAX_PARTS)]).nullish();
export const describedTextContent = z
  .union([z.string(), z.array(describedText).min(1).max(MAX_PARTS)])
  .nullish();

/**
 * @param images null where the message may show none
 * @throws InputError
 */
export function parseContent(
  content: unknown,
  field: string,
  images: RequestImages | null,
): readonly PromptPart[] {
  if (content === null || content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  const parts = parseList(content, MAX_PARTS, field, 'parts, or a string');
  return imagesFirst(parts.map((part, index) => parsePart(part, `${field}[${index}]`, images)));
}

/** Text alone, as instructions and tools have it. */
export const parseTextContent = (content: unknown, field: string): string =>
  parseContent(content, field, null)
    .map((part) => (part.kind === 'text' ? part.text : ''))
    .join('\n');

function parsePart(part: unknown, field: string, images: RequestImages | null): PromptPart {
  const { type } = parseFields(typedPart, part, field);
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return { kind: 'text', text: parseFields(textPart, part, field).text };
    case 'refusal':
      return { kind: 'text', text: parseFields(refusalPart, part, field).refusal };
    case 'image_url':
    case 'input_image':
    case 'image':
      if (images === null) throw unsupportedField(field, 'images stand in messages of the role user.');
      return parseImage(type, part, field, images);
    case 'file':
    case 'input_file':
    case 'input_audio':
    case 'video_url':
      throw unsupportedField(
        `${field}.type`,
        `this server reads text and images, and no part of type ${type}.`,
      );
    default:
      throw invalidField(`${field}.type`, type, 'text, image_url, input_text or input_image');
  }
}

type ImageType = 'image_url' | 'input_image' | 'image';

function parseImage(type: ImageType, part: unknown, field: string, images: RequestImages): PromptPart {
  if (type === 'image_url') {
    const { image_url: image } = parseFields(imageUrlPart, part, field);
    return typeof image === 'string'
      ? images.addUrl(image, `${field}.image_url`)
      : images.addUrl(image.url, `${field}.image_url.url`);
  }
  if (type === 'input_image') {
    const { image_url: url, file_id: file } = parseFields(inputImagePart, part, field);
    if (url != null) return images.addUrl(url, `${field}.image_url`);
    if (file != null)
      throw unsupportedField(
        `${field}.file_id`,
        'this server keeps no files. Send the image as a data URL in image_url.',
      );
    throw invalidField(`${field}.image_url`, url, 'a URL');
  }
  const { data, base64, url } = parseFields(langchainImage, part, field);
  if (data != null) return images.addBase64(data, `${field}.data`);
  if (base64 != null) return images.addBase64(base64, `${field}.base64`);
  throw unsupportedField(
    url == null ? field : `${field}.url`,
    'a part of type image needs its bytes as base64 in data. Send an address as a part of type image_url.',
  );
}
