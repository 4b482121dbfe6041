// Turns failures of requests into the error classes of this library: error answers, error events, connections that fail.
import { isRecord, parseJson } from './answers.js';
import {
  TakeoffApiError,
  type TakeoffClientError,
  TakeoffConnectionError,
  UnexpectedAnswerError,
} from './errors.js';
import { parseRetryAfter } from './retry-delay.js';

const SHOWN_CHARACTERS = 200;

/** The error of an answer that is no success. Reads its body. */
export async function errorOfResponse(response: Response): Promise<TakeoffClientError> {
  const { status, headers } = response;
  const facts = {
    status,
    requestId: requestIdOf(response),
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), Date.now()),
  };
  const body = await response.text();
  const said = parseErrorBody(body);
  if (said !== undefined) return new TakeoffApiError(said.code, said.message, facts);
  // This body is a proxy's. Its 503 means that the server behind it is away, which callers treat as they treat the server's own.
  const shown = body.length > SHOWN_CHARACTERS ? `${body.slice(0, SHOWN_CHARACTERS)}…` : body;
  const message = `The answer has the status ${status} and is not one of a Takeoff server: ${JSON.stringify(shown)}.`;
  return status === 503
    ? new TakeoffApiError('server.not_ready', message, facts)
    : new UnexpectedAnswerError(message, facts);
}

/** The error of an `event: error` in a stream. */
export function errorOfEvent(data: string, response: Response): TakeoffClientError {
  const facts = { status: response.status, requestId: requestIdOf(response) };
  const said = parseErrorBody(data);
  return said === undefined
    ? new UnexpectedAnswerError(
        `The stream has an error event that cannot be read: ${JSON.stringify(data)}.`,
        facts,
      )
    : new TakeoffApiError(said.code, said.message, facts);
}

export const requestIdOf = ({ headers }: Response): string | undefined =>
  headers.get('x-request-id') ?? undefined;

function parseErrorBody(text: string): { readonly code: string; readonly message: string } | undefined {
  const body = parseJson(text);
  const error = isRecord(body) ? body['error'] : undefined;
  if (!isRecord(error) || typeof error['code'] !== 'string' || typeof error['message'] !== 'string')
    return undefined;
  return { code: error['code'], message: error['message'] };
}

/** What `fetch` rejected with, when nobody had aborted it. */
export function connectionError(cause: unknown, url: string): TakeoffConnectionError {
  const { origin } = new URL(url);
  return isRefused(cause)
    ? new TakeoffConnectionError(
        'client.connection_refused',
        `Nothing listens on ${origin}: the connection was refused. Is the server running, and is this its address?`,
        { cause },
      )
    : new TakeoffConnectionError(
        'client.connection_failed',
        `The request to ${origin} failed before its answer: ${reasons(cause).join(': ')}.`,
        { cause },
      );
}

/** Codes of a refused connection in Node and Bun; Deno says it in the message, browsers do not tell. */
const REFUSED_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ConnectionRefused']);

function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A host name with several addresses counts as refused when each address refused.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isRefused);
  if ('code' in error && REFUSED_CODES.has(error.code)) return true;
  return /\bconnection refused\b/iu.test(error.message) || isRefused(error.cause);
}

function reasons(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const below = error.cause === undefined ? [] : reasons(error.cause);
  return [error.message === '' ? error.name : error.message, ...below];
}
