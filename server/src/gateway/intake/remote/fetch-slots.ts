// How many images are fetched at the same time, in the whole server. Who finds no free slot waits in a bounded queue, in the
// order of arrival; a slot is given back whatever its work ends with.
import { CapacityError } from '../../../errors.js';
import { WaitQueue } from '../wait-queue.js';

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
  const { maxWaiting, maxWaitMs } = options;
  const waiting = new WaitQueue<undefined>({ maxWaiting, maxWaitMs, busy: () => busy(options) });
  let free = options.slots;

  const acquire = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) free -= 1;
    else await waiting.wait(signal);
  };

  const release = (): void => {
    if (!waiting.grant(undefined)) free += 1;
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
