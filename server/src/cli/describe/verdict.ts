// What a failed request says about the image, the server and the run.
import {
  IncompleteStreamError,
  InvalidInputError,
  TakeoffApiError,
  TakeoffClientError,
  TakeoffConnectionError,
  TakeoffTimeoutError,
} from 'takeoff-client';

export type Verdict =
  /** The image cannot be described; the others may be. */
  | 'image'
  /** The server is away or full and did nothing; the same request will do later. */
  | 'wait'
  /** Something broke while it worked on this image: the image may be what breaks it. */
  | 'again'
  /** No request of this run can succeed. */
  | 'run';

/** Refusals that another image would not meet. */
const OF_THE_IMAGE = [
  'image.',
  'request.body_too_large',
  'request.crashes_reader',
  'request.does_not_fit',
  'request.multipart_',
];
/** The server was at work when they happened. */
const WHILE_WORKING = [
  'reader.died',
  'reader.stalled',
  'server.internal',
  'request.timeout',
  'request.client_too_slow',
];
/** Statuses that a proxy answers with when the server is away or gets too many requests. */
const AWAY_STATUSES = [429, 502, 503, 504];
const TOO_LARGE_STATUS = 413;

export function verdictOn(error: unknown): Verdict {
  if (error instanceof InvalidInputError) return 'image';
  if (error instanceof IncompleteStreamError || error instanceof TakeoffTimeoutError) return 'again';
  if (error instanceof TakeoffConnectionError)
    return error.code === 'client.connection_refused' ? 'wait' : 'again';
  if (!(error instanceof TakeoffClientError)) return 'run';
  const { code, status = 0 } = error;
  if (error instanceof TakeoffApiError && WHILE_WORKING.includes(code)) return 'again';
  if (code === 'group.failed') return 'run';
  if (AWAY_STATUSES.includes(status)) return 'wait';
  if (status === TOO_LARGE_STATUS || OF_THE_IMAGE.some((start) => code.startsWith(start))) return 'image';
  return status >= 500 ? 'again' : 'run';
}
