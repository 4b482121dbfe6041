// Turns the events of a request into a stream in the form of its API. The first event decides the status: a request that fails
// before it answered anything gets a JSON error, not a stream, unless that takes so long that the stream has begun with a sign of life.
// The stream is pulled: what a slow client does not take waits in the bounded queue of the relay.
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Defect } from '../../../errors.js';
import type { AnswerEvent } from '../../answer/request-record.js';
import type { StopFlag } from '../../answer/stop-flag.js';
import type { AnswerFormat } from './answer-format.js';
import { noteErrorCode } from './error-code.js';
import { errorOfEvent, publicError, type PublicError } from './public-error.js';
import { SilenceWatch, type Heard } from './silence-watch.js';

/** No cache and no buffering proxy may hold tokens back. */
export const STREAM_HEADERS = {
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

type Events = AsyncGenerator<AnswerEvent, void, undefined>;

export interface StreamOptions {
  readonly format: AnswerFormat;
  readonly clientGone: StopFlag;
  readonly request: FastifyRequest;
  /** Whether a failure after the first bytes is told as the last event; otherwise the connection is cut. */
  readonly tellsErrors: boolean;
  /** After so long without an event a sign of life is sent, so that nobody on the way takes the stream for dead; 0: never. */
  readonly silenceMs: number;
}

/**
 * Waits for the first event, or for the first silence. Undefined when the client is gone.
 * @throws the error that the request failed with before either
 */
export async function streamedAnswer(events: Events, options: StreamOptions): Promise<Readable | undefined> {
  const { format, clientGone, silenceMs } = options;
  const watch = new SilenceWatch(events, silenceMs);
  const first = await watch.next();
  if (first !== 'silence') {
    if (first.done === true) {
      if (clientGone.isRaised) return undefined;
      throw new Defect('A request ended without any event.');
    }
    if (first.value.kind === 'error') {
      watch.stop();
      await events.return();
      throw errorOfEvent(first.value, format.placeOf(first.value.prompt));
    }
  }
  return Readable.from(encodeAll(first, watch, events, options), { objectMode: false });
}

async function* encodeAll(
  first: Heard<AnswerEvent>,
  watch: SilenceWatch<AnswerEvent>,
  events: Events,
  options: StreamOptions,
): AsyncGenerator<string, void, undefined> {
  const { format, tellsErrors } = options;
  let failure: unknown;
  try {
    for (let heard = first; heard === 'silence' || heard.done !== true; heard = await watch.next()) {
      if (heard === 'silence') {
        yield format.stream.stillWorking();
        continue;
      }
      const event = heard.value;
      if (event.kind === 'error') {
        // Clients of a stream know one failure only; leaving the loop cancels the other prompts.
        failure = errorOfEvent(event, format.placeOf(event.prompt));
        break;
      }
      const chunk = format.chunk(event);
      // An empty chunk would be written as one of HTTP, for nothing.
      if (chunk !== '') yield chunk;
    }
  } catch (error) {
    failure = error;
  } finally {
    watch.stop();
    await events.return();
  }
  if (failure === undefined) return;
  const told = publicError(failure);
  noteFailure(failure, told, options);
  if (tellsErrors) yield format.failureChunk(told);
  // For clients that would print an error event, and do notice a broken answer.
  else throw failure instanceof Error ? failure : unknownFailure(failure);
}

function noteFailure(failure: unknown, { status, code }: PublicError, { request }: StreamOptions): void {
  const { log } = request;
  noteErrorCode(request, code);
  if (status === 500) log.error({ err: failure }, 'stream failed');
  else log.info({ code }, 'stream failed');
}

const unknownFailure = (cause: unknown): Defect => new Defect('A stream failed without an error.', { cause });
