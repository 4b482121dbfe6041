// Turns the events of a request into a stream of server-sent events. The first event decides the status: a request that fails
// before it answered anything gets a JSON error, not a stream. The stream is pulled: what a slow client does not take waits in
// the bounded queue of the relay.
import { Readable } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import { Defect } from '../../../errors.js';
import type { RequestEvent } from '../../../link/requests/messages.js';
import type { AnswerFormat } from './answer-format.js';
import { errorOfEvent, publicError } from './public-error.js';

/** No cache and no buffering proxy may hold tokens back. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

type Events = AsyncGenerator<RequestEvent, void, undefined>;

export interface StreamOptions {
  readonly format: AnswerFormat;
  readonly clientGone: AbortSignal;
  readonly log: FastifyBaseLogger;
  /** Whether a failure after the first event is told as the last event; otherwise the connection is cut. */
  readonly tellsErrors: boolean;
}

/**
 * Waits for the first event. Undefined when the client is gone.
 * @throws the error that the request failed with before its first event
 */
export async function streamedAnswer(events: Events, options: StreamOptions): Promise<Readable | undefined> {
  const { format, clientGone } = options;
  const first = await events.next();
  if (first.done === true) {
    if (clientGone.aborted) return undefined;
    throw new Defect('A request ended without any event.');
  }
  if (first.value.kind === 'error') {
    await events.return();
    throw errorOfEvent(first.value, format.placeOf(first.value.prompt));
  }
  return Readable.from(encodeAll(first.value, events, options), { objectMode: false });
}

type AnswerEvent = Exclude<RequestEvent, { readonly kind: 'error' }>;

async function* encodeAll(
  first: AnswerEvent,
  rest: Events,
  { format, log, tellsErrors }: StreamOptions,
): AsyncGenerator<string, void, undefined> {
  let failure: unknown;
  try {
    yield* chunksOf(first, format);
    for await (const event of rest) {
      if (event.kind === 'error') {
        // Clients of a stream know one failure only; leaving the loop cancels the other prompts.
        failure = errorOfEvent(event, format.placeOf(event.prompt));
        break;
      }
      yield* chunksOf(event, format);
    }
  } catch (error) {
    log.error({ err: error }, 'stream failed');
    failure = error;
  } finally {
    await rest.return();
  }
  if (failure === undefined) return;
  if (tellsErrors) yield format.failureChunk(publicError(failure));
  // For clients that would print an error event, and do notice a broken answer.
  else throw failure instanceof Error ? failure : unknownFailure(failure);
}

const unknownFailure = (cause: unknown): Defect => new Defect('A stream failed without an error.', { cause });

/** An empty chunk would be written as one of HTTP, for nothing. */
function* chunksOf(event: AnswerEvent, format: AnswerFormat): Generator<string, void, undefined> {
  const chunk = format.chunk(event);
  if (chunk !== '') yield chunk;
}
