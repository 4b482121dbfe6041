// Ends a transfer on which nothing arrives any more, which a socket alone would wait for without end.

export class StallGuard {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** Fires when the transfer has stalled, and with the caller's own signal. */
  readonly signal: AbortSignal;

  constructor(stallMs: number, cancel: AbortSignal | undefined) {
    this.#timer = setTimeout(() => this.#controller.abort(), stallMs);
    this.signal =
      cancel === undefined ? this.#controller.signal : AbortSignal.any([cancel, this.#controller.signal]);
  }

  get hasStalled(): boolean {
    return this.#controller.signal.aborted;
  }

  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
