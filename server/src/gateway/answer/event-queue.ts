// What lies between a reader, which pushes, and a client, which pulls at its own speed. Bounded: a client that stops reading
// ends its own request and fills no memory.
import type { RequestEvent, TokenEvent } from '../../link/requests/messages.js';
import type { AttemptEnd } from './consumer-group.js';

/** Why events stop before all prompts have ended. */
export type Interruption =
  | Exclude<AttemptEnd, { readonly kind: 'cancelled' }>
  | { readonly kind: 'stalled'; readonly afterMs: number; readonly wasDecoding: boolean }
  | { readonly kind: 'overflow' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'client-gone' };

/** Hundreds of long answers. A client this far behind has stopped reading. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024;
/** What an event costs beside its text, roughly. */
const EVENT_OVERHEAD_CHARACTERS = 64;
/** What a log probability costs, roughly. */
const LOGPROB_CHARACTERS = 64;
/** Taken items are let go in runs of this length, so that neither memory nor moving them grows with a slow client. */
const COMPACT_AFTER = 1024;

export class EventQueue {
  #events: RequestEvent[] = [];
  #nextIndex = 0;
  #waitingCharacters = 0;
  #interruption: Interruption | undefined;
  #wake: (() => void) | undefined;

  push(event: RequestEvent): void {
    if (this.#interruption !== undefined) return;
    this.#waitingCharacters += costOf(event);
    if (this.#waitingCharacters > MAX_WAITING_CHARACTERS) this.interrupt({ kind: 'overflow' });
    else this.#events.push(event);
    this.#wakeUp();
  }

  /** Ends the queue behind what it holds; only the first interruption counts. */
  interrupt(interruption: Interruption): void {
    this.#interruption ??= interruption;
    this.#wakeUp();
  }

  /** The next event, or the interruption once all events before it were taken. */
  async take(): Promise<RequestEvent | Interruption> {
    for (;;) {
      const event = this.#events[this.#nextIndex];
      if (event !== undefined) return this.#taken(event);
      if (this.#interruption !== undefined) return this.#interruption;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #taken(event: RequestEvent): RequestEvent {
    this.#nextIndex += 1;
    this.#waitingCharacters -= costOf(event);
    if (this.#nextIndex === this.#events.length || this.#nextIndex >= COMPACT_AFTER) {
      this.#events = this.#events.slice(this.#nextIndex);
      this.#nextIndex = 0;
    }
    return event;
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

const costOf = (event: RequestEvent): number =>
  EVENT_OVERHEAD_CHARACTERS + (event.kind === 'token' ? event.text.length + costOfLogprobs(event) : 0);

const costOfLogprobs = ({ logprobs = [] }: TokenEvent): number =>
  logprobs.reduce((sum, { top }) => sum + (top.length + 1) * LOGPROB_CHARACTERS, 0);
