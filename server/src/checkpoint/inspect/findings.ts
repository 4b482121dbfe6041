// Collects what is wrong with a model, so that one look finds everything instead of the first thing.
import { CheckpointError, HubError } from '../../errors.js';
import type { Problem } from './inspection.js';

export class Findings {
  readonly warnings: string[] = [];
  readonly #problems = new Map<string, Problem>();

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** The result of the work, or undefined after noting what was wrong. Other errors than a model's own pass through. */
  async attempt<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isFinding(error)) throw error;
      this.note(error);
      return undefined;
    }
  }

  note({ code, message }: CheckpointError | HubError): void {
    this.#problems.set(message, { code, message });
  }
}

function isFinding(error: unknown): error is CheckpointError | HubError {
  if (error instanceof HubError) return true;
  return error instanceof CheckpointError && error.code !== 'checkpoint.cancelled';
}
