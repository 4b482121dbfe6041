// The states of a supervised reader and the ways between them.
import { Defect } from '../../errors.js';
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type { Vision } from '../answer/consumer-group.js';

export type ReaderState =
  /** Its process has been launched and has said nothing yet. */
  | { readonly kind: 'starting' }
  /** Its model is being downloaded, converted or read. `fraction` is from 0 to 1, null where nobody can tell. */
  | { readonly kind: 'loading'; readonly stage: string; readonly fraction: number | null }
  /** Takes requests. `vision`: how its model sees images; null when it takes none. */
  | { readonly kind: 'live'; readonly card: ReaderCard; readonly vision: Vision | null }
  /** On its way out: takes no new request, finishes those that it has, then stops. */
  | { readonly kind: 'draining'; readonly card: ReaderCard }
  /** Its process has ended by itself. `restartInMs` is null when starting again cannot help: the operator must act. */
  | {
      readonly kind: 'dead';
      readonly code: string;
      readonly reason: string;
      readonly restartInMs: number | null;
    }
  /** Ended on purpose and for good. Its process may need a moment more. */
  | { readonly kind: 'stopped' };

type Kind = ReaderState['kind'];

/** What may follow each state. A reader that dies while it drains is not wanted back: it has stopped. */
const NEXT: Readonly<Record<Kind, readonly Kind[]>> = {
  starting: ['loading', 'live', 'dead', 'stopped'],
  loading: ['loading', 'live', 'dead', 'stopped'],
  live: ['draining', 'dead', 'stopped'],
  draining: ['stopped'],
  dead: ['starting', 'stopped'],
  stopped: [],
};

export const isTransition = (from: Kind, to: Kind): boolean => NEXT[from].includes(to);

/** @throws Defect when `to` may not follow `from` */
export function validateTransition(from: Kind, to: Kind): void {
  if (!isTransition(from, to)) throw new Defect(`A reader that is ${from} cannot become ${to}.`);
}

/** Whether it takes requests, or may do so without anybody's help. */
export const mayBecomeLive = (state: ReaderState): boolean => {
  switch (state.kind) {
    case 'starting':
    case 'loading':
    case 'live':
      return true;
    case 'dead':
      return state.restartInMs !== null;
    case 'draining':
    case 'stopped':
      return false;
  }
};
