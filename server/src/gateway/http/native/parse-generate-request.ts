// Parses the request object of all four generate endpoints into a job: its shape first (422), then what its values ask for (400).
// What comes out needs no further checking by anybody but the reader, which alone can count tokens.
import { DEFAULT_CONSUMER_GROUP, generateRequestSchema, type GenerateRequest } from 'takeoff-wire';
import type { z } from 'zod';
import { InputError } from '../../../errors.js';
import type { Prompt, PromptPart } from '../../../link/requests/messages.js';
import type { InferenceJob } from '../../answer/inference.js';
import { validateCacheSalt } from '../connection/cache-salt.js';
import type { HttpLimits } from '../connection/http-limits.js';
import type { AnswerShape } from './native-format.js';
import {
  isNumericField,
  validateImageTokenBudget,
  validatePromptMaxTokens,
  validateSampling,
  rangeText,
  validateMagnitudes,
} from './numeric-fields.js';
import { placeImages } from './prompt-parts.js';
import { constraintOf } from './request-constraint.js';
import { warningsOf } from './request-warnings.js';

export interface ParsedRequest {
  readonly job: InferenceJob;
  readonly shape: AnswerShape;
}

/** Requests name groups freely; this only keeps error messages short. */
/** Of a consumer group or an adapter. */
const MAX_NAME_CHARACTERS = 256;

/**
 * `upload`: the file that came with it, null for a JSON request.
 * @throws InputError
 */
export function parseGenerateRequest(
  body: unknown,
  upload: Uint8Array | null,
  limits: HttpLimits,
): ParsedRequest {
  const request = parseShape(body, limits);
  const isList = Array.isArray(request.text);
  const prompts = Array.isArray(request.text) ? request.text : [request.text];
  validatePrompts(prompts, isList, limits);
  const placed = placeImages(prompts, isList, upload, limits);
  return {
    job: {
      consumerGroup: validateGroup(request),
      prompts: placed.prompts.map(request.use_chat_template === true ? asConversation : asRaw),
      images: placed.images,
      promptMaxTokens: validatePromptMaxTokens(request),
      imageTokenBudget: validateImageTokenBudget(request),
      cacheSalt: validateCacheSalt(request.cache_salt),
      loraId: validateLoraId(request.lora_id),
      sampling: validateSampling(request),
      constraint: constraintOf(request),
    },
    shape: {
      isList,
      wantsMetadata: request.return_metadata ?? false,
      warnings: warningsOf(request, placed.prompts),
    },
  };
}

const asRaw = (parts: readonly PromptPart[]): Prompt => ({ kind: 'raw', parts });

/** The native API knows one turn and no system text of the caller's. */
const asConversation = (parts: readonly PromptPart[]): Prompt => ({
  kind: 'conversation',
  system: null,
  turns: [{ role: 'user', parts }],
});

function parseShape(body: unknown, limits: HttpLimits): GenerateRequest {
  // Before the schema looks at each of what may be millions of elements.
  if (typeof body === 'object' && body !== null && 'text' in body && Array.isArray(body.text)) {
    validateListLength(body.text.length, limits);
  }
  const parsed = generateRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  validateMagnitudes(body);
  throw new InputError('request.wrong_shape', explainShape(parsed.error, body), { cause: parsed.error });
}

function explainShape(error: z.ZodError, body: unknown): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return 'The request must be a JSON object such as {"text": "…"}.';
  }
  if (!('text' in body)) return 'The field text is missing; it must be a string or a list of strings.';
  const [issue] = error.issues;
  const field = String(issue?.path[0] ?? 'text');
  if (field === 'text') return 'The field text must be a string or a list of strings.';
  const range = isNumericField(field) ? ` Allowed is ${rangeText(field)}, or null.` : '';
  return `The field ${field} has the wrong type: ${issue?.message ?? 'not what the API documents'}.${range}`;
}

function validateListLength(length: number, { maxUserBatchSize }: HttpLimits): void {
  if (length === 0) {
    throw new InputError('request.batch_empty', 'The list in text is empty; at least one prompt is needed.');
  }
  if (length > maxUserBatchSize) {
    throw new InputError(
      'request.batch_too_large',
      `The list in text has ${length} prompts; allowed are ${maxUserBatchSize}. The operator can raise max_user_batch_size.`,
      { details: { setting: 'max_user_batch_size', got: length, allowed: maxUserBatchSize } },
    );
  }
}

function validatePrompts(
  prompts: readonly string[],
  isList: boolean,
  { maxPromptStringBytes }: HttpLimits,
): void {
  const bytes = prompts.reduce((sum, prompt) => sum + Buffer.byteLength(prompt), 0);
  if (bytes > maxPromptStringBytes) {
    throw new InputError(
      'request.prompt_too_large',
      `text has ${bytes} bytes${isList ? ' in all prompts together' : ''}; allowed are ${maxPromptStringBytes}. ` +
        'The operator can raise max_prompt_string_bytes.',
      { details: { setting: 'max_prompt_string_bytes', got: bytes, allowed: maxPromptStringBytes } },
    );
  }
}

/** Which adapters there are is for the reader to say. */
function validateLoraId(name: string | null | undefined): string | null {
  if (name == null) return null;
  if (name !== '' && name.length <= MAX_NAME_CHARACTERS) return name;
  throw new InputError(
    'request.out_of_range',
    `lora_id has ${name.length} characters; allowed are 1 to ${MAX_NAME_CHARACTERS}.`,
  );
}

function validateGroup({ consumer_group: group }: GenerateRequest): string {
  if (group == null) return DEFAULT_CONSUMER_GROUP;
  if (group.length <= MAX_NAME_CHARACTERS) return group;
  throw new InputError(
    'request.out_of_range',
    `consumer_group has ${group.length} characters; allowed are ${MAX_NAME_CHARACTERS}.`,
  );
}
