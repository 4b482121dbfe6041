// What travels through Redis, beside tiles: requests in the streams of a group, events in the stream of a gateway, cancellations and
// questions in that of a reader. Every entry has a version and JSON that a schema parses; what does not parse is nobody's message. Within
// a reader a request goes by the id of its run, so that two runs of one request are never taken for each other.
import { z } from 'zod';
import { requestIdSchema } from '../requests/fields.js';
import type { GenerateMessage, RequestEvent } from '../requests/messages.js';
import { answerToQuestionSchema, askMessageSchema } from '../requests/question-schema.js';
import type { AnswerToQuestion, AskMessage } from '../requests/questions.js';
import { generateSchema, requestEventSchema } from '../requests/schema.js';
import { parseMessage, type Reviver } from './parse-message.js';

const VERSION = '1';

/** An entry of more would stop everybody else's for as long as it is parsed. Prompts of max_prompt_string_bytes are a twentieth. */
export const MAX_MESSAGE_CHARACTERS = 4 * 1024 * 1024;
/** Five tiles of the largest towers are half of it. */
export const MAX_TILE_BYTES = 8 * 1024 * 1024;

const MAX_NAME_CHARACTERS = 256;
const MAX_ITEMS = 65_536;

const processName = z.string().max(MAX_NAME_CHARACTERS);
const runId = z.string().min(1).max(64);
const entryId = z.string().max(64);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/u);

/** An image whose tiles lie beside the request, or with the reader that it is placed at. */
const queuedImageSchema = z.object({
  sha256: z.string(),
  widthPx: z.int().min(1),
  heightPx: z.int().min(1),
  sidePx: z.int().min(1).nullable(),
  tileBytes: z.int().min(1).max(MAX_TILE_BYTES),
  /** Of the tiles. */
  tilesSha256: sha256,
  /** Whether the gateway has put them under their key. */
  isBeside: z.boolean(),
});

const queuedRequestSchema = z.object({
  gateway: processName,
  /** Key of the vision that the images were prepared for. */
  preparedFor: z.string().nullable(),
  message: generateSchema.omit({ images: true }),
  images: z.array(queuedImageSchema),
});

export type QueuedImage = Readonly<z.infer<typeof queuedImageSchema>>;
export interface QueuedRequest {
  readonly gateway: string;
  readonly preparedFor: string | null;
  readonly message: Omit<GenerateMessage, 'images'>;
  readonly images: readonly QueuedImage[];
}

/** Why a reader gives a request back that it has not begun. */
const BACK_REASONS = ['no-tiles', 'draining', 'other-vision', 'died-twice'] as const;
export type BackReason = (typeof BACK_REASONS)[number];

const eventItemSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('began'), requestId: requestIdSchema, run: runId }),
  /** The requestId of the event is that of the run. Events of a run count from 0, without holes. */
  z.object({ kind: z.literal('event'), seq: z.int().min(0), event: requestEventSchema }),
  z.object({
    kind: z.literal('back'),
    requestId: requestIdSchema,
    entry: entryId,
    reason: z.enum(BACK_REASONS),
  }),
  z.object({ kind: z.literal('gone'), mark: z.int().min(0), entries: z.array(entryId) }),
  z.object({ kind: z.literal('reply'), reply: answerToQuestionSchema }),
  z.object({ kind: z.literal('unknown-runs'), runs: z.array(runId).max(MAX_ITEMS) }),
]);

const eventsSchema = z.object({
  /** The reader that says so; empty for what scripts say. */
  from: processName,
  items: z.array(eventItemSchema).max(MAX_ITEMS),
});

export type EventItem =
  | { readonly kind: 'began'; readonly requestId: string; readonly run: string }
  | { readonly kind: 'event'; readonly seq: number; readonly event: RequestEvent }
  | {
      readonly kind: 'back';
      readonly requestId: string;
      readonly entry: string;
      readonly reason: BackReason;
    }
  | { readonly kind: 'gone'; readonly mark: number; readonly entries: readonly string[] }
  | { readonly kind: 'reply'; readonly reply: AnswerToQuestion }
  /** Of those that it was asked about, what the reader has not, or not any more. Said behind all that it had to say of them. */
  | { readonly kind: 'unknown-runs'; readonly runs: readonly string[] };
export interface Events {
  readonly from: string;
  readonly items: readonly EventItem[];
}

const heardRun = z.object({ run: runId, heard: z.int().min(0) });

const controlSchema = z.discriminatedUnion('kind', [
  /** Of a request that the reader may have taken and not begun. */
  z.object({ kind: z.literal('cancel-request'), requestId: requestIdSchema }),
  z.object({ kind: z.literal('cancel-run'), run: runId }),
  /** Of which the gateway has heard nothing for a while, or not all: `heard` events of each, so that it lacks the one of that number. */
  z.object({ kind: z.literal('check-runs'), gateway: processName, runs: z.array(heardRun).max(MAX_ITEMS) }),
  z.object({ kind: z.literal('ask'), gateway: processName, ask: askMessageSchema }),
]);
export type HeardRun = Readonly<z.infer<typeof heardRun>>;
export type Control =
  | { readonly kind: 'cancel-request'; readonly requestId: string }
  | { readonly kind: 'cancel-run'; readonly run: string }
  | { readonly kind: 'check-runs'; readonly gateway: string; readonly runs: readonly HeardRun[] }
  | { readonly kind: 'ask'; readonly gateway: string; readonly ask: AskMessage };

export const parseQueuedRequest = (text: string): QueuedRequest | undefined =>
  parse(queuedRequestSchema, text);
/** Bytes are looked for only where there are some: a function that is called for every value takes half as long again. */
export const parseEvents = (text: string): Events | undefined =>
  text.includes('"bytes":') ? parse(eventsSchema, text, withBytes) : parse(eventsSchema, text);
export const parseControl = (text: string): Control | undefined => parse(controlSchema, text);

export const writeQueuedRequest = (request: QueuedRequest): string => JSON.stringify(request);
export const writeEvents = ({ from, items }: Events): string => joinItems(from, items.map(writeItem));
/** An item of events, for `joinItems`. */
export const writeItem = (item: EventItem): string =>
  item.kind === 'event' && item.event.kind === 'token' && item.event.logprobs !== undefined
    ? JSON.stringify(item, asBase64)
    : JSON.stringify(item);
export const joinItems = (from: string, items: readonly string[]): string =>
  `{"from":${JSON.stringify(from)},"items":[${items.join(',')}]}`;
export const writeControl = (control: Control): string => JSON.stringify(control);

/** The message of an entry as `XREAD` gives it; undefined when it is of another version or of none. */
export function messageIn(fields: readonly string[]): string | undefined {
  const [v, version, m, message] = fields;
  return v === 'v' && version === VERSION && m === 'm' ? message : undefined;
}

const parse = <Message>(schema: z.ZodType<Message>, text: string, revive?: Reviver): Message | undefined =>
  text.length > MAX_MESSAGE_CHARACTERS ? undefined : parseMessage(schema, text, revive);

/** Tokens tell their bytes, which JSON cannot hold. */
const asBase64 = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
const withBytes: Reviver = (key, value) =>
  key === 'bytes' && typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value;
