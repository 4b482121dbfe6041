// Parses the body of POST /api/generate into a job: one prompt, through the template unless it is raw.
import { z } from 'zod';
import type { Prompt, PromptPart } from '../../../../link/requests/messages.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { validateTextBytes } from '../../connection/text-bytes.js';
import { ConversationBuilder } from '../../input/conversation-builder.js';
import { anything, flag, isEmptyList, parseFields, text } from '../../input/fields.js';
import {
  describedRefusals,
  oneOf,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';
import { RequestImages } from '../../input/request-images.js';
import { describedImages, parseImages } from './message-images.js';
import {
  describedSharedFields,
  SHARED_REFUSED_FIELDS,
  sharedFields,
  toParsedOllama,
  type ParsedOllama,
} from './shared-fields.js';

const generateRequestSchema = z.object(
  {
    ...sharedFields,
    prompt: text(),
    system: text(),
    images: anything(),
    raw: flag().describe('The prompt goes to the model as it is, without a template.'),
  },
  'a JSON object such as {"model": "primary", "prompt": "…"}',
);

export const REFUSED_GENERATE_FIELDS: RefusedFields = {
  ...SHARED_REFUSED_FIELDS,
  suffix: { isHarmless: oneOf(''), why: 'text is written after the prompt only.' },
  template: {
    isHarmless: oneOf(''),
    why: 'the template is that of the model (chat_template). Send raw: true for none.',
  },
  context: { isHarmless: isEmptyList, why: 'this server keeps nothing. Send the conversation to /api/chat.' },
};

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedGenerateRequest = generateRequestSchema
  .extend({ ...describedSharedFields, images: describedImages })
  .extend(describedRefusals(REFUSED_GENERATE_FIELDS))
  .meta({ id: 'OllamaGenerateRequest' });

/** @throws InputError */
export function parseGenerateRequest(body: unknown, limits: HttpLimits): ParsedOllama {
  const request = parseFields(generateRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_GENERATE_FIELDS);
  const images = new RequestImages(limits);
  const shown = parseImages(request.images, 'images', images);
  const prompt = request.prompt ?? '';
  const isEmpty = prompt === '' && shown.length === 0;
  return toParsedOllama(request, isEmpty ? null : promptOf(request, shown, limits), images);
}

function promptOf(
  { prompt, system, raw }: z.output<typeof generateRequestSchema>,
  images: readonly PromptPart[],
  limits: HttpLimits,
): Prompt {
  const parts = [...images, { kind: 'text' as const, text: prompt ?? '' }];
  if (raw === true) {
    validateTextBytes([prompt ?? ''], 'prompt', limits);
    return { kind: 'raw', parts };
  }
  const conversation = new ConversationBuilder();
  if (system != null && system !== '') conversation.addSystem(system);
  conversation.add('user', parts);
  return conversation.finish('prompt', limits);
}
