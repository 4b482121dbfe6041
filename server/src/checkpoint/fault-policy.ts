// What becomes of a fault of a model. A checkpoint is read by one piece of code: served, it ends at the first fault; inspected, each
// fault is noted and reading goes on with the parts that do not depend on it.
import type { CheckpointError, HubError } from '../errors.js';

export type ModelFault = CheckpointError | HubError;

export interface FaultPolicy {
  /** The result of the work, or undefined after a fault of the model. Errors of other kinds pass through. */
  attempt<T>(work: () => T | Promise<T>): Promise<T | undefined>;
  /** Takes a fault beside which the work can go on. */
  note(fault: ModelFault): void;
}

/** For serving: the first fault is thrown. */
export const STOP_AT_FIRST: FaultPolicy = {
  attempt: async (work) => work(),
  note: (fault) => {
    throw fault;
  },
};
