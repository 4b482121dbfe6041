// Those who wait for a place of which there are few, in the order of arrival: so many at most, and each for so long at most. It owns
// no places: whoever does hands a free one over, or keeps it where nobody waits.
import type { CapacityError } from '../../errors.js';

export interface WaitQueueOptions {
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
  /** The refusal of who finds the queue full, and of who waited too long. */
  readonly busy: () => CapacityError;
}

interface Waiter<Place> {
  readonly grant: (place: Place) => void;
  readonly refuse: (reason: unknown) => void;
}

export class WaitQueue<Place> {
  readonly #options: WaitQueueOptions;
  readonly #waiters = new Set<Waiter<Place>>();

  constructor(options: WaitQueueOptions) {
    this.#options = options;
  }

  get waitingCount(): number {
    return this.#waiters.size;
  }

  /** Resolves with the place that is handed over. Fails with the error of `busy`, the signal's reason, or that of `refuseAll`. */
  wait(signal: AbortSignal): Promise<Place> {
    const { maxWaiting, maxWaitMs, busy } = this.#options;
    if (this.#waiters.size >= maxWaiting) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        clearTimeout(deadline);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter<Place> = {
        grant: (place) => {
          leave();
          resolve(place);
        },
        refuse: (reason) => {
          leave();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason is passed on as it is
          reject(reason);
        },
      };
      const onAbort = (): void => waiter.refuse(signal.reason);
      const deadline = setTimeout(() => waiter.refuse(busy()), maxWaitMs);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Hands the place to who waits longest; false where nobody waits. */
  grant(place: Place): boolean {
    const [longest] = this.#waiters;
    longest?.grant(place);
    return longest !== undefined;
  }

  refuseAll(reason: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.refuse(reason);
  }
}
