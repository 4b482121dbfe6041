// The policy of an inspection: collects what is wrong with a model, so that one look finds everything instead of the first thing.
import { CheckpointError, HubError } from '../../errors.js';
import type { FaultPolicy, ModelFault } from '../fault-policy.js';
import type { Problem } from './inspection.js';

export class Findings implements FaultPolicy {
  readonly #problems = new Map<string, Problem>();

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  async attempt<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isFinding(error)) throw error;
      this.note(error);
      return undefined;
    }
  }

  note({ code, message }: ModelFault): void {
    this.#problems.set(message, { code, message });
  }
}

function isFinding(error: unknown): error is ModelFault {
  if (error instanceof HubError) return true;
  return error instanceof CheckpointError && error.code !== 'checkpoint.cancelled';
}
