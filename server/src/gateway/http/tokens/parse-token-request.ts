// Parses the requests of the token tools into questions for a reader: their shape first (422), then what their values ask for (400).
import {
  chatTemplateRequestSchema,
  detokenizeRequestSchema,
  tokenizeRequestSchema,
  type ChatTemplateRequest,
  type TokenizeRequest,
} from 'takeoff-wire';
import type { z } from 'zod';
import { InputError } from '../../../errors.js';
import type { Prompt, PromptPart, Turn } from '../../../link/requests/messages.js';
import type { ImageSize } from '../../../link/requests/questions.js';
import type { QuestionOf } from '../../answer/reader-questions.js';
import { findImageTags } from '../../intake/tags.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { validateTextBytes } from '../connection/text-bytes.js';

type TextLimits = Pick<HttpLimits, 'maxPromptStringBytes' | 'maxUserBatchSize'>;

/** Far beyond what any context holds. */
const MAX_TOKENS = 262_144;
/** Of all conversations of a request together. */
const MAX_MESSAGES = 4_096;
/** The longest side that image formats can name; rows of an image do not grow without end, but its size is multiplied. */
const MAX_SIDE_PX = 65_535;

/** @throws InputError */
export function parseTokenize(body: unknown, limits: TextLimits): QuestionOf<'tokenize'> {
  const request = parseShape(tokenizeRequestSchema, body, TOKENIZE_SHAPE);
  const texts = typeof request.text === 'string' ? [request.text] : request.text;
  validateTextBytes(texts, 'text', limits);
  const isChat = request.use_chat_template === true;
  if (isChat && texts.length === 2) {
    throw new InputError(
      'request.out_of_range',
      'text is a pair, and use_chat_template is true; a chat template takes one text.',
      { details: { field: 'text' } },
    );
  }
  const images = imageSizesOf(request);
  let imageCount = 0;
  const prompts = texts.map((text): Prompt => {
    const parts = images.length === 0 ? plain(text) : withImages(text, () => imageCount++);
    return isChat
      ? { kind: 'conversation', system: null, turns: [{ role: 'user', parts }] }
      : { kind: 'raw', parts };
  });
  if (imageCount !== images.length) {
    throw new InputError(
      'request.out_of_range',
      `image_sizes has ${images.length} sizes, and text has ${imageCount} image tags; each tag needs one.`,
      { details: { field: 'image_sizes', got: images.length, allowed: imageCount } },
    );
  }
  return { kind: 'tokenize', prompts, images, skipsSpecialTokens: request.skip_special_tokens === true };
}

/** @throws InputError */
export function parseDetokenize(body: unknown): QuestionOf<'detokenize'> {
  const { tokens, skip_special_tokens } = parseShape(detokenizeRequestSchema, body, DETOKENIZE_SHAPE);
  validateLength(tokens.length, MAX_TOKENS, 'tokens');
  return { kind: 'detokenize', tokens, skipsSpecialTokens: skip_special_tokens === true };
}

/** @throws InputError */
export function parseChatTemplate(body: unknown, limits: TextLimits): QuestionOf<'render'> {
  const { inputs, add_generation_prompt } = parseShape(chatTemplateRequestSchema, body, CHAT_SHAPE);
  if (inputs.length === 0) {
    throw new InputError(
      'request.batch_empty',
      'The list in inputs is empty; at least one conversation is needed.',
    );
  }
  validateLength(inputs.length, limits.maxUserBatchSize, 'inputs', 'max_user_batch_size');
  validateLength(inputs.flat().length, MAX_MESSAGES, 'inputs, all conversations together,');
  validateTextBytes(
    inputs.flat().map(({ content }) => content),
    'inputs',
    limits,
  );
  return {
    kind: 'render',
    conversations: inputs.map(toConversation),
    opensAnswer: add_generation_prompt === true,
  };
}

const TOKENIZE_SHAPE =
  '{"text": "…"}, or {"text": ["…", "…"]} for a pair, with image_sizes such as [[640, 480]]';
const DETOKENIZE_SHAPE = '{"tokens": […]} with ids from 0 or with spellings';
const CHAT_SHAPE = '{"inputs": [[{"role": "user", "content": "…"}]]}';

function parseShape<Parsed>(schema: z.ZodType<Parsed>, body: unknown, shape: string): Parsed {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place =
    issue === undefined || issue.path.length === 0 ? 'The body' : `The field ${issue.path.join('.')}`;
  throw new InputError(
    'request.wrong_shape',
    `${place} has the wrong type or is missing; the request must be a JSON object such as ${shape}.`,
    { cause: parsed.error },
  );
}

function validateLength(got: number, allowed: number, subject: string, setting?: string): void {
  if (got <= allowed) return;
  const advice = setting === undefined ? '' : ` The operator can raise ${setting}.`;
  throw new InputError(
    'request.batch_too_large',
    `${subject} has ${got} elements; allowed are ${allowed}.${advice}`,
    { details: { got, allowed } },
  );
}

function imageSizesOf({ image_sizes }: TokenizeRequest): readonly ImageSize[] {
  return (image_sizes ?? []).map(([widthPx, heightPx], index) => {
    if (Math.max(widthPx, heightPx) <= MAX_SIDE_PX) return { widthPx, heightPx };
    throw new InputError(
      'request.out_of_range',
      `image_sizes[${index}] is ${widthPx} × ${heightPx}; allowed are 1 to ${MAX_SIDE_PX} pixels a side.`,
      { details: { field: 'image_sizes' } },
    );
  });
}

const plain = (text: string): PromptPart[] => [{ kind: 'text', text }];

const withImages = (text: string, nextImage: () => number): PromptPart[] =>
  findImageTags(text).parts.map((part) =>
    part.kind === 'text' ? part : { kind: 'image', image: nextImage() },
  );

type Message = ChatTemplateRequest['inputs'][number][number];

/** A system text may come first; every other message is a turn. */
function toConversation(messages: readonly Message[], index: number) {
  const [first] = messages;
  const system = first?.role === 'system' ? first.content : null;
  const spoken = system === null ? messages : messages.slice(1);
  if (spoken.length === 0) {
    throw new InputError(
      'request.out_of_range',
      `inputs[${index}] has no message of the role user or assistant; at least one is needed.`,
      { details: { field: `inputs[${index}]` } },
    );
  }
  const offset = messages.length - spoken.length;
  return {
    system,
    turns: spoken.map((message, turn) => toTurn(message, `inputs[${index}][${turn + offset}]`)),
  };
}

function toTurn({ role, content }: Message, place: string): Turn {
  if (role === 'user' || role === 'assistant') return { role, parts: [{ kind: 'text', text: content }] };
  throw new InputError(
    'request.out_of_range',
    `The role of ${place} is ${JSON.stringify(role.slice(0, 40))}; allowed are user, assistant and, for the first message, system.`,
    { details: { field: place } },
  );
}
