// Hands one request to a group and passes its events on, until each prompt has ended or something interrupts. Whoever stops
// pulling, for whatever reason, cancels what is still open in the reader.
import type { RequestEvent } from '../../link/requests/messages.js';
import type { StallLimits } from '../stall-limits.js';
import type { CancelReason, ConsumerGroup, Submission } from './consumer-group.js';
import { EventQueue, type Interruption } from './event-queue.js';
import { StallWatchdog } from './stall-watchdog.js';
import type { StopFlag } from './stop-flag.js';

export interface RelayOptions {
  readonly group: ConsumerGroup;
  readonly submission: Submission;
  readonly limits: StallLimits;
  /** Told of every event when it arrives, which may be long before anybody pulls it. */
  readonly onEvent: (event: RequestEvent) => void;
  /** The client is gone: nobody wants events any more. */
  readonly clientGone: StopFlag;
  /** The server ends: what is open ends with an event that says so. */
  readonly shutdown: StopFlag;
}

export type RelayEnd =
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'interrupted';
      readonly by: Interruption;
      /** They have had no terminal event. */
      readonly openPrompts: readonly number[];
      /** Whether any event was passed on, so that the request cannot be started anew unnoticed. */
      readonly hadEvents: boolean;
    };

export async function* relay(options: RelayOptions): AsyncGenerator<RequestEvent, RelayEnd, undefined> {
  const { group, submission, limits, onEvent, clientGone, shutdown } = options;
  const { requestId, prompts } = submission.message;
  const queue = new EventQueue();
  const openPrompts = new Set(prompts.keys());
  let hadEvents = false;
  let isCancelled = false;
  const cancel = (reason: CancelReason): void => {
    if (!isCancelled) group.cancel(requestId, reason);
    isCancelled = true;
  };
  const watchdog = new StallWatchdog(limits, (afterMs, wasDecoding) => {
    cancel(wasDecoding ? 'stalled' : 'unwanted');
    queue.interrupt({ kind: 'stalled', afterMs, wasDecoding });
  });
  const onClientGone = (): void => {
    // At once and not when the consumer comes back: the reader must know before its next step.
    cancel('unwanted');
    queue.interrupt({ kind: 'client-gone' });
  };
  const onShutdown = (): void => queue.interrupt({ kind: 'shutdown' });
  clientGone.listen(onClientGone);
  shutdown.listen(onShutdown);
  group.submit(submission, {
    onEvent: (event) => {
      watchdog.beat(event);
      onEvent(event);
      queue.push(event);
    },
    onEnd: (end) => {
      // Of a cancellation, the relay knows more than the group: it asked for it.
      if (end.kind !== 'cancelled') queue.interrupt(end);
    },
  });
  try {
    if (clientGone.isRaised) onClientGone();
    if (shutdown.isRaised) onShutdown();
    while (openPrompts.size > 0) {
      const item = await queue.take();
      if (!isEvent(item)) return { kind: 'interrupted', by: item, openPrompts: [...openPrompts], hadEvents };
      if (item.kind !== 'token') openPrompts.delete(item.prompt);
      hadEvents = true;
      yield item;
    }
    return { kind: 'complete' };
  } finally {
    watchdog.stop();
    clientGone.unlisten(onClientGone);
    shutdown.unlisten(onShutdown);
    queue.interrupt({ kind: 'client-gone' });
    if (openPrompts.size > 0) cancel('unwanted');
  }
}

const isEvent = (item: RequestEvent | Interruption): item is RequestEvent =>
  item.kind === 'token' || item.kind === 'done' || item.kind === 'error';
