// Notices a reader that has stopped answering a request: one limit until the first event, which includes waiting, the picture
// and the prompt, and a shorter one between events.

export interface StallLimits {
  readonly firstTokenTimeoutMs: number;
  readonly readerMessageTimeoutMs: number;
}

export class StallWatchdog {
  readonly #limits: StallLimits;
  readonly #onStall: (afterMs: number, hadEvents: boolean) => void;
  #timer: NodeJS.Timeout;
  #hadEvents = false;

  constructor(limits: StallLimits, onStall: (afterMs: number, hadEvents: boolean) => void) {
    this.#limits = limits;
    this.#onStall = onStall;
    this.#timer = this.#arm(limits.firstTokenTimeoutMs);
  }

  beat(): void {
    if (this.#hadEvents) {
      this.#timer.refresh();
      return;
    }
    this.#hadEvents = true;
    clearTimeout(this.#timer);
    this.#timer = this.#arm(this.#limits.readerMessageTimeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(afterMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#onStall(afterMs, this.#hadEvents), afterMs);
  }
}
