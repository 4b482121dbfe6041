// From the bytes of a streamed answer to its pieces and, at the end, the whole answer.
import { SseDecoder, SseEventTooLargeError } from 'takeoff-wire/sse-decoder.js';
import type { ListAnswer, SingleAnswer } from './answers.js';
import type { CallScope } from './call-scope.js';
import { IncompleteStreamError, UnexpectedAnswerError } from './errors.js';
import { errorOfEvent, requestIdOf } from './failure.js';
import type { StreamPiece, StreamReading } from './stream-reading.js';

/** ERROR_EVENT_NAME of wire, repeated here because its module would bring zod into the bundle. */
const ERROR_EVENT_NAME = 'error';

/**
 * Yields pieces and returns the whole answer.
 * @throws IncompleteStreamError, TakeoffApiError, UnexpectedAnswerError
 * @throws the reason of the scope's signal
 */
export async function* readStream(
  response: Response,
  reading: StreamReading,
  scope: CallScope,
): AsyncGenerator<StreamPiece, SingleAnswer | ListAnswer, undefined> {
  const bytes = bytesOf(response).getReader();
  const decoder = new SseDecoder();
  for (;;) {
    const { done, value } = await bytes.read().catch((cause: unknown) => {
      scope.signal.throwIfAborted();
      throw cut(response, cause);
    });
    if (done) break;
    scope.expectWord();
    for (const event of decode(decoder, value)) {
      if (event.name === ERROR_EVENT_NAME) throw errorOfEvent(event.data, response);
      for (const piece of reading.read(event.data)) {
        yield piece;
        // One read may bring many pieces; a caller who aborted at this one gets no other.
        scope.signal.throwIfAborted();
      }
    }
  }
  if (decoder.hasUnfinishedEvent) throw cut(response, undefined);
  return reading.end();
}

function bytesOf(response: Response): ReadableStream<Uint8Array> {
  const type = response.headers.get('content-type') ?? 'no type';
  if (response.body !== null && type.startsWith('text/event-stream')) return response.body;
  const facts = { status: response.status, requestId: requestIdOf(response) };
  throw new UnexpectedAnswerError(`The answer should be an event stream and is ${type}.`, facts);
}

function decode(decoder: SseDecoder, chunk: Uint8Array): ReturnType<SseDecoder['push']> {
  try {
    return decoder.push(chunk);
  } catch (cause) {
    if (cause instanceof SseEventTooLargeError) throw new UnexpectedAnswerError(cause.message, { cause });
    throw cause;
  }
}

const cut = (response: Response, cause: unknown): IncompleteStreamError =>
  new IncompleteStreamError(
    'client.incomplete_stream',
    'The connection broke before the natural end of the stream.',
    { requestId: requestIdOf(response), status: response.status, cause },
  );
