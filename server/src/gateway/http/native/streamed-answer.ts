// Turns the events of a request into a stream of server-sent events. The first event decides the status: a request that fails
// before it answered anything gets a JSON error, not a stream. The stream is pulled: what a slow client does not take waits in
// the bounded queue of the relay.
import { Readable } from 'node:stream';
import type { FastifyBaseLogger } from 'fastify';
import {
  encodeBatchEvent,
  encodeErrorEvent,
  encodeMetadataEvent,
  encodeTextEvent,
  withoutCarriageReturns,
} from 'takeoff-wire';
import { Defect } from '../../../errors.js';
import type { RequestEvent } from '../../../link/requests/messages.js';
import { metadataOf } from './answer-text.js';
import type { ValidatedRequest } from './parse-generate-request.js';
import { errorOfEvent, publicError } from '../connection/public-error.js';

/** No cache and no buffering proxy may hold tokens back. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

/**
 * Waits for the first event. Undefined when the client is gone.
 * @throws the error that the request failed with before its first event
 */
export async function streamedAnswer(
  events: AsyncGenerator<RequestEvent, void, undefined>,
  request: ValidatedRequest,
  clientGone: AbortSignal,
  log: FastifyBaseLogger,
  tellsErrors: boolean,
): Promise<Readable | undefined> {
  const first = await events.next();
  if (first.done === true) {
    if (clientGone.aborted) return undefined;
    throw new Defect('A request ended without any event.');
  }
  if (first.value.kind === 'error') {
    await events.return();
    throw errorOfEvent(first.value, request.isList);
  }
  const telling = tellsErrors ? told : cut;
  return Readable.from(encodeAll(first.value, events, request, log, telling), { objectMode: false });
}

type AnswerEvent = Exclude<RequestEvent, { readonly kind: 'error' }>;

async function* encodeAll(
  first: AnswerEvent,
  rest: AsyncGenerator<RequestEvent, void, undefined>,
  request: ValidatedRequest,
  log: FastifyBaseLogger,
  telling: (error: unknown) => string,
): AsyncGenerator<string, void, undefined> {
  let failure: unknown;
  try {
    yield* encode(first, request);
    for await (const event of rest) {
      if (event.kind === 'error') {
        // Clients of a stream know one failure only; leaving the loop cancels the other prompts.
        failure = errorOfEvent(event, request.isList);
        break;
      }
      yield* encode(event, request);
    }
  } catch (error) {
    log.error({ err: error }, 'stream failed');
    failure = error;
  } finally {
    await rest.return();
  }
  if (failure !== undefined) yield telling(failure);
}

/** The failure as the last event. */
const told = (error: unknown): string => encodeErrorEvent(publicError(error).body);

/** Fails the stream, which cuts the connection: for clients that would print the event, and do notice a broken answer. */
const cut = (error: unknown): never => {
  throw error instanceof Error ? error : new Defect('A stream failed without an error.', { cause: error });
};

function* encode(event: AnswerEvent, request: ValidatedRequest): Generator<string, void, undefined> {
  const batchId = request.isList ? event.prompt : null;
  switch (event.kind) {
    case 'token': {
      const text = withoutCarriageReturns(event.text);
      if (text !== '') yield batchId === null ? encodeTextEvent(text) : encodeBatchEvent(text, batchId);
      break;
    }
    case 'done':
      if (request.wantsMetadata) yield encodeMetadataEvent(metadataOf(event), batchId);
  }
}
