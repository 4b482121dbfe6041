// How many images are fetched at the same time, in the whole server. Who finds no free slot waits in a bounded queue, in the
// order of arrival; a slot is given back whatever its work ends with.
import { CapacityError } from '../../../errors.js';

export interface FetchSlotsOptions {
  /** Setting `remote_image_concurrency`. */
  readonly slots: number;
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

export const FETCH_SLOTS_DEFAULTS: FetchSlotsOptions = {
  slots: 8,
  // Who waits holds a prompt and no image. The time is that of a full queue behind hosts that take seconds each.
  maxWaiting: 256,
  maxWaitMs: 30_000,
};

export interface FetchSlots {
  /** Fails with `image.fetch_busy`, the signal's reason, or what the work fails with. */
  use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createFetchSlots(given: Partial<FetchSlotsOptions> = {}): FetchSlots {
  const options = { ...FETCH_SLOTS_DEFAULTS, ...given };
  const waiting = new Set<() => void>();
  let free = options.slots;

  const acquire = (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    if (waiting.size >= options.maxWaiting) throw busy(options);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(grant);
        clearTimeout(deadline);
        signal.removeEventListener('abort', onAbort);
      };
      const grant = (): void => {
        leave();
        resolve();
      };
      const refuse = (reason: unknown): void => {
        leave();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason is passed on as it is
        reject(reason);
      };
      const onAbort = (): void => refuse(signal.reason);
      const deadline = setTimeout(() => refuse(busy(options)), options.maxWaitMs);
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(grant);
    });
  };

  const release = (): void => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };

  return {
    async use(signal, work) {
      await acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}

const busy = ({ slots, maxWaiting }: FetchSlotsOptions): CapacityError =>
  new CapacityError(
    'image.fetch_busy',
    `${slots} remote images are being fetched and up to ${maxWaiting} may wait; remote_image_concurrency sets how many run.`,
    1000,
    { details: { allowed: maxWaiting, setting: 'remote_image_concurrency' } },
  );
