// Which failures are worth a second try, and when. Only those count in which the server certainly did no work: nobody accepted
// the connection, or it answered 503 and said when to come back. An answer that has begun is never asked for again.
import { TakeoffApiError, TakeoffConnectionError } from './errors.js';

const FIRST_PAUSE_MS = 250;
/** A longer Retry-After is handed to the caller, who may have something else to do meanwhile. */
const LONGEST_PAUSE_MS = 30_000;

/** Null where the failure is final. `attempt` counts from 0; `random` is from 0 up to 1. */
export function retryDelayMs(failure: unknown, attempt: number, random: number): number | null {
  if (failure instanceof TakeoffConnectionError && failure.code === 'client.connection_refused') {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
    // A random part of the pause, at least half, so that many clients do not come back together.
    return pauseMs * (0.5 + random / 2);
  }
  if (failure instanceof TakeoffApiError && failure.status === 503 && failure.retryAfterMs !== undefined)
    return failure.retryAfterMs <= LONGEST_PAUSE_MS ? failure.retryAfterMs + random * FIRST_PAUSE_MS : null;
  return null;
}

/** Milliseconds from a Retry-After of seconds or of a date; undefined when it is neither. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
