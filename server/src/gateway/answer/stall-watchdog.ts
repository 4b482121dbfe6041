// Notices a reader that has stopped answering a request. While one of its prompts is being answered, the pause between events
// counts. While none is, because they wait for a slot, an image is encoded or a prompt is read, the longer limit of the first
// token does: prompts of one request are admitted one by one, so that holds again after some of them have ended.
import type { RequestEvent } from '../../link/requests/messages.js';
import type { StallLimits } from '../stall-limits.js';

export class StallWatchdog {
  readonly #limits: StallLimits;
  readonly #onStall: (afterMs: number, wasDecoding: boolean) => void;
  /** Prompts with a token and without a terminal event. */
  readonly #decoding = new Set<number>();
  #limitMs: number;
  /** When the reader will have stalled, unless it says something before. */
  #deadlineMs: number;
  #timer: NodeJS.Timeout;

  constructor(limits: StallLimits, onStall: (afterMs: number, wasDecoding: boolean) => void) {
    this.#limits = limits;
    this.#onStall = onStall;
    this.#limitMs = limits.firstTokenTimeoutMs;
    this.#deadlineMs = performance.now() + this.#limitMs;
    this.#timer = this.#lookIn(this.#limitMs);
  }

  beat({ kind, prompt }: RequestEvent): void {
    if (kind === 'token') this.#decoding.add(prompt);
    else this.#decoding.delete(prompt);
    const { readerMessageTimeoutMs, firstTokenTimeoutMs } = this.#limits;
    this.#limitMs = this.#decoding.size > 0 ? readerMessageTimeoutMs : firstTokenTimeoutMs;
    this.#deadlineMs = performance.now() + this.#limitMs;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Timers are not moved with every event, since that costs more than the event: whoever looks too early looks again. */
  #lookIn(leftMs: number): NodeJS.Timeout {
    const { readerMessageTimeoutMs, firstTokenTimeoutMs } = this.#limits;
    const waitMs = Math.min(leftMs, readerMessageTimeoutMs, firstTokenTimeoutMs);
    return setTimeout(() => this.#look(), Math.ceil(waitMs));
  }

  #look(): void {
    const leftMs = this.#deadlineMs - performance.now();
    if (leftMs > 0) this.#timer = this.#lookIn(leftMs);
    else this.#onStall(this.#limitMs, this.#decoding.size > 0);
  }
}
