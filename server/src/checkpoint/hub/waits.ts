// Time as downloads need it, in one place so that tests bring their own.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Waits {
  /** Rejects when the signal fires. */
  readonly delay: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly nowMs: () => number;
  /** Longest pause between two pieces of an answer. */
  readonly stallMs: number;
}

export const REAL_WAITS: Waits = {
  delay: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
  nowMs: () => Date.now(),
  stallMs: 60_000,
};
