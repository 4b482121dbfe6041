// When a failed request is tried again: a few times, each pause twice the one before, or as long as the server asks. A transfer
// that got further than before starts counting anew, so that a file of gigabytes survives any number of broken connections.
import { HubError } from '../../errors.js';
import { cancelled } from './failures.js';
import type { Waits } from './waits.js';

export interface RetryPolicy {
  readonly attempts: number;
  readonly waits: Waits;
  readonly signal: AbortSignal | undefined;
  readonly onRetry: (message: string) => void;
}

export const USUAL_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** The hub counts requests over five minutes; whoever asks for more has other reasons. */
const MAX_ASKED_PAUSE_MS = 5 * 60_000;

/**
 * Runs `work` until it succeeds, fails for good, or has failed `attempts` times in a row without getting further.
 * @param doneBytes how far the work is, for work that goes on where it stopped
 */
export async function withRetries<T>(
  { attempts, waits, signal, onRetry }: RetryPolicy,
  work: () => Promise<T>,
  doneBytes: () => number = () => 0,
): Promise<T> {
  let furthestBytes = doneBytes();
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'hub.unreachable') throw error;
      if (doneBytes() > furthestBytes) failures = 1;
      furthestBytes = Math.max(furthestBytes, doneBytes());
      if (failures >= attempts) throw error;
      const pauseMs = pauseOf(error, failures);
      onRetry(`${error.message} Trying again in ${Math.ceil(pauseMs / 1000)} s.`);
      await pause(waits, pauseMs, signal);
    }
  }
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. Null when it says nothing. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}

function pauseOf({ details }: HubError, failures: number): number {
  const asked = details['retryAfterMs'];
  if (typeof asked === 'number') return Math.min(asked, MAX_ASKED_PAUSE_MS);
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS);
}

async function pause(waits: Waits, ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await waits.delay(ms, signal);
  } catch (error) {
    if (signal?.aborted === true) throw cancelled(signal);
    throw error;
  }
}
