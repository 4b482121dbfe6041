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
  #timer: NodeJS.Timeout;

  constructor(limits: StallLimits, onStall: (afterMs: number, wasDecoding: boolean) => void) {
    this.#limits = limits;
    this.#onStall = onStall;
    this.#limitMs = limits.firstTokenTimeoutMs;
    this.#timer = this.#arm();
  }

  beat({ kind, prompt }: RequestEvent): void {
    if (kind === 'token') this.#decoding.add(prompt);
    else this.#decoding.delete(prompt);
    const { readerMessageTimeoutMs, firstTokenTimeoutMs } = this.#limits;
    const limitMs = this.#decoding.size > 0 ? readerMessageTimeoutMs : firstTokenTimeoutMs;
    if (limitMs === this.#limitMs) {
      this.#timer.refresh();
      return;
    }
    this.#limitMs = limitMs;
    clearTimeout(this.#timer);
    this.#timer = this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): NodeJS.Timeout {
    return setTimeout(() => this.#onStall(this.#limitMs, this.#decoding.size > 0), this.#limitMs);
  }
}
