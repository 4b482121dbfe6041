// Turns anything thrown into what a client may see: a status, a stable code and a sentence. What is not meant for clients
// becomes `server.internal`, and its text stays in the log. The body around code and sentence is for each API to write.
import { ERROR_CODES, isErrorCode, type ErrorCode } from 'takeoff-wire';
import { CapacityError, InputError, ReaderError, TakeoffError } from '../../../errors.js';
import type { ErrorEvent } from '../../../link/requests/messages.js';

export interface PublicError {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The field of the request that the error is about; null where it is about none, or nobody says. */
  readonly field: string | null;
  /** For the Retry-After header; null where trying again is no use. */
  readonly retryAfterSeconds: number | null;
}

/** The JSON body that an API puts around an error. */
export type ErrorBodyWriter = (error: WritableError) => unknown;

export type WritableError = Pick<PublicError, 'code' | 'message'> & Partial<Pick<PublicError, 'field'>>;

const DEFAULT_RETRY_AFTER_MS = 1_000;
/** Client libraries sleep for as long as they are told, up to two minutes, while their user waits. */
export const MAX_RETRY_AFTER_SECONDS = 20;

export function publicError(error: unknown): PublicError {
  const known: TakeoffError | undefined = error instanceof TakeoffError ? error : fromFramework(error);
  if (known === undefined || !isErrorCode(known.code) || ERROR_CODES[known.code].status === 500)
    return describe('server.internal', INTERNAL_SENTENCE, null);
  const { details } = known;
  const field = typeof details['field'] === 'string' ? details['field'] : null;
  if (!ERROR_CODES[known.code].retryable) return { ...describe(known.code, known.message, null), field };
  const retryAfterMs = known instanceof CapacityError ? known.retryAfterMs : DEFAULT_RETRY_AFTER_MS;
  return { ...describe(known.code, known.message, retryAfterMs), field };
}

const INTERNAL_SENTENCE = 'The server met a defect of its own; its log has the details.';

function describe(code: ErrorCode, message: string, retryAfterMs: number | null): PublicError {
  const { status } = ERROR_CODES[code];
  const mayRetry = status === 503 && retryAfterMs !== null;
  return {
    status,
    code,
    message,
    field: null,
    retryAfterSeconds: mayRetry
      ? Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(1, Math.ceil(retryAfterMs / 1000)))
      : null,
  };
}

/**
 * The error class for a reader's error event.
 * @param place what the message calls the prompt, since one failure ends the request; null where there is only one prompt
 */
export function errorOfEvent({ code, message: said, field }: ErrorEvent, place: string | null): TakeoffError {
  const { status, retryable } = ERROR_CODES[code];
  const message = place === null ? said : `${place}: ${said}`;
  if (status < 500) return new InputError(code, message, field === undefined ? {} : { details: { field } });
  return retryable
    ? new CapacityError(code, message, DEFAULT_RETRY_AFTER_MS)
    : new ReaderError(code, message);
}

/** Codes of Fastify and its multipart plugin, which are stable, to ours. */
const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'request.unsupported_media_type',
    'Content-Type must be multipart/form-data for /image_generate and /image_generate_stream, and application/json for all other endpoints.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'request.malformed',
    'The body is not as long as Content-Length says.',
  ],
  FST_ERR_BAD_URL: ['request.malformed', 'The path of the request is not a valid URL path.'],
  FST_ERR_MAX_PARAM_LENGTH: ['request.malformed', 'The path of the request is too long.'],
};

function fromFramework(error: unknown): InputError | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const found = FRAMEWORK_ERRORS[error.code];
  if (found !== undefined) return new InputError(found[0], found[1], { cause: error });
  // The rest of what the framework holds against a client; its own mistakes carry 500.
  const isOfTheClient =
    'statusCode' in error && Number(error.statusCode) >= 400 && Number(error.statusCode) < 500;
  if (!error.code.startsWith('FST_') || !isOfTheClient) return undefined;
  return new InputError('request.malformed', `${error.message}.`, { cause: error });
}
