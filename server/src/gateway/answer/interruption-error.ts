// What a client is told when its request was interrupted: a code and a sentence that says what to do.
import type { ErrorCode } from 'takeoff-wire';
import type { Interruption } from './event-queue.js';

export interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
}

export function explainInterruption(by: Exclude<Interruption, { kind: 'client-gone' }>): Explanation {
  switch (by.kind) {
    case 'lost':
      return {
        code: 'reader.died',
        message:
          'The reader ended while it worked on the request; it is being started again. Send the request again.',
      };
    case 'stalled':
      return {
        code: 'reader.stalled',
        message: by.wasDecoding
          ? `The reader produced nothing for ${by.afterMs} ms, the limit of reader_message_timeout_ms.`
          : `The reader produced no first token within ${by.afterMs} ms, the limit of first_token_timeout_ms.`,
      };
    case 'overflow':
      return {
        code: 'request.client_too_slow',
        message: 'The client read the stream so slowly that the answer was given up.',
      };
    case 'shutdown':
      return {
        code: 'server.draining',
        message: 'The server shut down before the answer was complete. Send the request again.',
      };
  }
}
