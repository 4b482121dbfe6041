// A connection that carries both protocols at once, as child IPC does: everything that may arrive at either end, and the check of
// it.
import { z } from 'zod';
import {
  LIFECYCLE_VERSION,
  type LifecycleEvent,
  type LifecycleMessage,
  type ProtocolVersions,
} from './lifecycle/messages.js';
import { lifecycleEventSchema, lifecycleMessageSchema } from './lifecycle/schema.js';
import { REQUESTS_VERSION, type RequestEvent, type RequestMessage } from './requests/messages.js';
import { answerToQuestionSchema, askMessageSchema } from './requests/question-schema.js';
import type { AnswerToQuestion } from './requests/questions.js';
import { requestEventSchema, requestMessageSchema } from './requests/schema.js';

export type ToReader = LifecycleMessage | RequestMessage;
export type FromReader = LifecycleEvent | RequestEvent | AnswerToQuestion;

/** What this build speaks. */
export const VERSIONS: ProtocolVersions = { lifecycle: LIFECYCLE_VERSION, requests: REQUESTS_VERSION };

const toReader = z.discriminatedUnion('kind', [
  lifecycleMessageSchema,
  requestMessageSchema,
  askMessageSchema,
]);
const fromReader = z.discriminatedUnion('kind', [
  lifecycleEventSchema,
  requestEventSchema,
  answerToQuestionSchema,
]);

/** A message that arrived, or why it is none. */
export type Parsed<Message> =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'refused'; readonly why: string };

export const parseToReader = (received: unknown): Parsed<ToReader> => parse(toReader, received);
export const parseFromReader = (received: unknown): Parsed<FromReader> => parse(fromReader, received);

function parse<Message extends ToReader | FromReader>(
  schema: z.ZodType<Message>,
  received: unknown,
): Parsed<Message> {
  const parsed = schema.safeParse(received);
  if (!parsed.success) return { kind: 'refused', why: 'it sent a message of a shape that does not exist' };
  const message = parsed.data;
  if ('versions' in message && !isSpoken(message.versions)) {
    return {
      kind: 'refused',
      why: `it speaks ${named(message.versions)}, and this process ${named(VERSIONS)}`,
    };
  }
  return { kind: 'message', message };
}

const isSpoken = ({ lifecycle, requests }: ProtocolVersions): boolean =>
  lifecycle === VERSIONS.lifecycle && requests === VERSIONS.requests;

const named = ({ lifecycle, requests }: ProtocolVersions): string =>
  `version ${lifecycle} of the lifecycle protocol and ${requests} of the request protocol`;
