// Hands one request to one reader and passes its events on, until each prompt has ended or something interrupts. Whoever stops
// pulling, for whatever reason, cancels what is still open in the reader.
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import { EventQueue, type Interruption } from './event-queue.js';
import type { RequestRoute } from '../readers/open-requests.js';
import { StallWatchdog, type StallLimits } from './stall-watchdog.js';

/** What the relay needs of a reader. */
export interface RequestTarget {
  generate(message: GenerateMessage, route: RequestRoute): void;
  cancel(requestId: string): void;
  /** The request had a token and then nothing for too long. */
  reportStall(requestId: string): void;
}

export interface RelayOptions {
  readonly target: RequestTarget;
  readonly message: GenerateMessage;
  readonly limits: StallLimits;
  /** The client is gone: nobody wants events any more. */
  readonly clientGone: AbortSignal;
  /** The server ends: what is open ends with an event that says so. */
  readonly shutdown: AbortSignal;
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
  const { target, message, limits, clientGone, shutdown } = options;
  const queue = new EventQueue();
  const openPrompts = new Set(message.prompts.keys());
  let hadEvents = false;
  const watchdog = new StallWatchdog(limits, (afterMs, wasDecoding) => {
    if (wasDecoding) target.reportStall(message.requestId);
    queue.interrupt({ kind: 'stalled', afterMs, wasDecoding });
  });
  const onClientGone = (): void => {
    // At once and not when the consumer comes back: the reader must know before its next step.
    target.cancel(message.requestId);
    queue.interrupt({ kind: 'client-gone' });
  };
  const onShutdown = (): void => queue.interrupt({ kind: 'shutdown' });
  clientGone.addEventListener('abort', onClientGone);
  shutdown.addEventListener('abort', onShutdown);
  target.generate(message, {
    onEvent: (event) => {
      watchdog.beat(event);
      queue.push(event);
    },
    onReaderLost: (reason) => queue.interrupt({ kind: 'lost', reason }),
  });
  try {
    if (clientGone.aborted) onClientGone();
    if (shutdown.aborted) onShutdown();
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
    clientGone.removeEventListener('abort', onClientGone);
    shutdown.removeEventListener('abort', onShutdown);
    queue.interrupt({ kind: 'client-gone' });
    if (openPrompts.size > 0) target.cancel(message.requestId);
  }
}

const isEvent = (item: RequestEvent | Interruption): item is RequestEvent =>
  item.kind === 'token' || item.kind === 'done' || item.kind === 'error';
