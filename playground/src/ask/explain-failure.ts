// What went wrong with a request, in words for the person who asked, from whatever was thrown. Pure.
import type { Failure } from './turn.js';

/** The part of the library's errors that is used; its classes are not, because workers and tests have others. */
interface KnownError {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

const isKnown = (error: unknown): error is KnownError =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

const IN_WORDS: Readonly<Record<string, string>> = {
  'client.connection_failed': 'The server cannot be reached. Is it running?',
  'client.connection_refused': 'The server cannot be reached. Is it running?',
  'client.incomplete_stream': 'The connection broke before the answer was whole.',
  'auth.required':
    'The server asks for an API key, and this one is missing or wrong. It belongs into the settings.',
};

export function explainFailure(error: unknown): Failure {
  if (isKnown(error)) {
    const { code, message, retryAfterMs = null } = error;
    return { code, message: IN_WORDS[code] ?? message, retryAfterMs };
  }
  return {
    code: 'page.failed',
    message: error instanceof Error ? error.message : String(error),
    retryAfterMs: null,
  };
}
