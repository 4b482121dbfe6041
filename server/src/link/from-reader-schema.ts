// The check of what a reader says. A reader runs native code over hostile images and is less trusted than the gateway: a
// message of another shape closes its connection instead of reaching a client.
import { isErrorCode, type ErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import { visionSettingsSchema } from '../model/description.js';
import type { FromReader } from './messages.js';

/** A token's text is a few bytes, and a stop string may hold back some hundred. A megabyte would be an attack on the gateway. */
const MAX_TEXT_CHARACTERS = 65_536;
const MAX_PROMPTS = 1_000_000;

const text = z.string().max(MAX_TEXT_CHARACTERS);
const count = z.int().min(0);
const errorCode = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));
const address = { requestId: z.string().max(128), prompt: z.int().min(0).max(MAX_PROMPTS) };

const cardSchema = z.object({
  modelName: text,
  modelType: text,
  device: text,
  contextTokens: z.int().min(1),
  maxSequences: z.int().min(1),
  vision: visionSettingsSchema.nullable(),
});

const fromReaderSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('token'), ...address, text }),
  z.object({
    kind: z.literal('done'),
    ...address,
    finishReason: z.enum(['stop', 'length', 'cancelled']),
    usage: z.object({ promptTokens: count, imageTokens: count, generatedTokens: count }),
  }),
  z.object({ kind: z.literal('error'), ...address, code: errorCode, message: text }),
  z.object({ kind: z.literal('loading'), stage: text, fraction: z.number().min(0).max(1).nullable() }),
  z.object({ kind: z.literal('ready'), card: cardSchema }),
  z.object({ kind: z.literal('failed'), code: text, message: text }),
  z.object({ kind: z.literal('log'), level: z.enum(['debug', 'info', 'warn', 'error']), message: text }),
  z.object({ kind: z.literal('heartbeat'), running: count, steps: count }),
]) satisfies z.ZodType<FromReader>;

/** The message, or undefined when it is none. */
export function parseFromReader(received: unknown): FromReader | undefined {
  const parsed = fromReaderSchema.safeParse(received);
  return parsed.success ? parsed.data : undefined;
}
