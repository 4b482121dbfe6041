// How many requests a consumer group may have open, from the end of their body to their last event: running and waiting in the
// reader, and those whose image is being decoded. What one costs in tokens is for the reader to count; this bounds memory.
import { CapacityError } from '../../errors.js';

export class Admission {
  readonly #maxOpenRequests: number;
  readonly #openRequests = new Map<string, number>();

  constructor(maxOpenRequests: number) {
    this.#maxOpenRequests = maxOpenRequests;
  }

  /**
   * Takes a place, which the returned function gives back.
   * @throws CapacityError reader.queue_full
   */
  enter(group: string): () => void {
    const open = this.#openRequests.get(group) ?? 0;
    if (open >= this.#maxOpenRequests) {
      throw new CapacityError(
        'reader.queue_full',
        `${open} requests of consumer group ${JSON.stringify(group)} are open, as many as its queue holds. Try again later.`,
        RETRY_AFTER_MS,
      );
    }
    this.#openRequests.set(group, open + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      const left = (this.#openRequests.get(group) ?? 1) - 1;
      if (left === 0) this.#openRequests.delete(group);
      else this.#openRequests.set(group, left);
    };
  }
}

/** A full queue takes seconds to drain; earlier retries only meet it again. */
const RETRY_AFTER_MS = 2_000;
