// What a call can fail with. The class says who must act: the server's answer, the way to it, or the caller's arguments. `code`
// is stable. A call that is cancelled by its AbortSignal is not among them: it rejects with the signal's reason.

/** Codes of failures that happen on this side. Those of the server are listed in its documentation (docs/errors.md). */
export type ClientErrorCode =
  | 'client.connection_refused'
  | 'client.connection_failed'
  | 'client.timeout'
  | 'client.incomplete_stream'
  | 'client.invalid_input'
  | 'client.unexpected_answer';

export interface ErrorFacts {
  /** HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** The id under which the server's log knows the request. */
  readonly requestId?: string | undefined;
  /** How long the server asks to wait before the same request is sent again. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Base of everything that this library throws itself. */
export class TakeoffClientError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.errorName;
    this.code = code;
    this.status = facts.status;
    this.requestId = facts.requestId;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** The name of the class, which minifiers change. */
  protected static readonly errorName: string = 'TakeoffClientError';
}

/**
 * The server answered with an error: `code` is its code. One that came inside a stream, after its first event, has the
 * stream's status, 200.
 */
export class TakeoffApiError extends TakeoffClientError {
  protected static override readonly errorName = 'TakeoffApiError';
}

/** The server could not be reached, or the connection broke before the answer began. */
export class TakeoffConnectionError extends TakeoffClientError {
  protected static override readonly errorName = 'TakeoffConnectionError';
}

/** Nothing was heard from the server for `timeoutMs`. */
export class TakeoffTimeoutError extends TakeoffClientError {
  protected static override readonly errorName = 'TakeoffTimeoutError';
}

/** An answer ended before its natural end: what arrived is not the whole text. */
export class IncompleteStreamError extends TakeoffClientError {
  protected static override readonly errorName = 'IncompleteStreamError';
}

/** An argument cannot be used. Nothing was sent. */
export class InvalidInputError extends TakeoffClientError {
  protected static override readonly errorName = 'InvalidInputError';

  constructor(message: string, facts: ErrorFacts = {}) {
    super('client.invalid_input', message, facts);
  }
}

/** The answer is not one of this API: another program listens there, or a proxy answered. */
export class UnexpectedAnswerError extends TakeoffClientError {
  protected static override readonly errorName = 'UnexpectedAnswerError';

  constructor(message: string, facts: ErrorFacts = {}) {
    super('client.unexpected_answer', message, facts);
  }
}
