// What requests are refused with that Redis or readers on other machines do not take.
import { CapacityError, ReaderError } from '../../errors.js';

const RETRY_AFTER_MS = 1_000;
/** How often a request is put into the queue: each time is a loss of Redis, or a reader that gave it back. */
export const MAX_SUBMISSIONS = 20;

export const queueFull = (group: string): CapacityError =>
  new CapacityError(
    'reader.queue_full',
    `The queue of consumer group ${JSON.stringify(group)} is full: max_queued_requests wait, or Redis has no memory left. Try again later.`,
    RETRY_AFTER_MS,
  );

export const diedTwice = (): ReaderError =>
  new ReaderError(
    'reader.died',
    'Two readers ended, one after the other, before they began to answer the request.',
  );

export const lostTooOften = (): CapacityError =>
  new CapacityError(
    'queue.unreachable',
    `The queue between gateway and readers lost the request ${MAX_SUBMISSIONS} times.`,
    RETRY_AFTER_MS,
  );

export const notLiveYet = (group: string): CapacityError =>
  new CapacityError(
    'group.unavailable',
    `No reader of consumer group ${JSON.stringify(group)} is live yet. /status shows how far they are.`,
    RETRY_AFTER_MS,
  );
