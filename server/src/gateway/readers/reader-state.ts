// The states of a supervised reader, and when a dead one is started again.
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type { Vision } from '../answer/consumer-group.js';

export type ReaderState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'loading'; readonly stage: string; readonly fraction: number | null }
  /** `vision`: how the model sees images; null when it takes none. */
  | { readonly kind: 'live'; readonly card: ReaderCard; readonly vision: Vision | null }
  /** `restartInMs` is null when starting again cannot help: the operator must act. */
  | {
      readonly kind: 'dead';
      readonly code: string;
      readonly reason: string;
      readonly restartInMs: number | null;
    }
  | { readonly kind: 'stopped' };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/**
 * Delay before a start, doubling with each failure in a row and cut by up to a half at random, so that readers which died
 * together do not load together.
 * @param failures failures in a row, at least 1
 * @param random a number from 0 to 1
 */
export function restartDelayMs(failures: number, random: number): number {
  const full = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(full * (1 - random / 2));
}

/** Failures that the same files, flags and libraries give again: restarting would only burn the processor. */
export const isPermanentFailure = (code: string): boolean =>
  ['checkpoint.', 'config.', 'native.library'].some((prefix) => code.startsWith(prefix)) ||
  (code.startsWith('hub.') && code !== 'hub.unreachable');
