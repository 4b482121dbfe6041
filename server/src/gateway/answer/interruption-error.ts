// What a client is told when its request was interrupted: a code and a sentence that says what to do.
import type { ErrorCode } from 'takeoff-wire';
import type { Interruption } from './event-queue.js';

/** Those that a client is told as the end of its answer: nobody is there to be told, or the request has an error of its own. */
export type Explainable = Exclude<Interruption, { kind: 'client-gone' | 'refused' }>;

export interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
}

export function explainInterruption(by: Explainable): Explanation {
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
