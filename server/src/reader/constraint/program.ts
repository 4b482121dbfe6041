// A compiled constraint, wherever it was compiled: what answers begin with.
import { CapacityError } from '../../errors.js';
import type { Matcher } from './matcher.js';

export interface Program {
  /** Whether what was compiled is gone, so that it has to be compiled again. */
  readonly isLost: boolean;
  /**
   * @throws CapacityError reader.constraints_busy when it is lost
   * @throws Trapped
   */
  start(): Started;
  close(): void;
}

export interface Started {
  /** At the beginning of a text; the caller closes it. */
  readonly matcher: Matcher;
  /** To be called when the matcher has been closed. */
  readonly onClose: () => void;
}

const RETRY_AFTER_MS = 1_000;

/** @param why follows "The schema or pattern" */
export const constraintsBusy = (why: string): CapacityError =>
  new CapacityError(
    'reader.constraints_busy',
    `The schema or pattern ${why}. The same request can succeed later.`,
    RETRY_AFTER_MS,
  );
