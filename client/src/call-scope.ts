// The life of one call. The caller's signal, too long a silence of the server, or `close` ends it. Owns a timer and a listener
// on the caller's signal, and `close` leaves neither behind.
import { InvalidInputError, TakeoffTimeoutError } from './errors.js';

/** The longest delay that timers of all runtimes take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** @throws InvalidInputError */
export function validateTimeoutMs(timeoutMs: number): number {
  if (Number.isFinite(timeoutMs) && timeoutMs >= 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new InvalidInputError(
    `timeoutMs is ${timeoutMs}; allowed is a number from 0 (no limit) to ${MAX_TIMEOUT_MS} (milliseconds).`,
  );
}

export class CallScope {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #forward = (): void => this.#controller.abort(this.#callerSignal?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(callerSignal: AbortSignal | undefined, timeoutMs: number) {
    this.#timeoutMs = validateTimeoutMs(timeoutMs);
    this.#callerSignal = callerSignal;
    if (callerSignal?.aborted === true) this.#forward();
    else callerSignal?.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The server is expected to say something from now on: starts the clock anew. */
  expectWord(): void {
    clearTimeout(this.#timer);
    if (this.#timeoutMs === 0 || this.signal.aborted) return;
    const said = `Nothing was heard from the server for ${this.#timeoutMs} ms, the limit set by timeoutMs.`;
    this.#timer = setTimeout(
      () => this.#controller.abort(new TakeoffTimeoutError('client.timeout', said)),
      this.#timeoutMs,
    );
  }

  /** Waits while the server owes nothing, so no clock runs. Rejects with the reason when the call ends meanwhile. */
  async pause(durationMs: number): Promise<void> {
    clearTimeout(this.#timer);
    const { signal } = this;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, durationMs);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
    signal.throwIfAborted();
  }

  /** Ends the call: what is still being sent or received is cut. */
  close(reason?: Error): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener('abort', this.#forward);
    this.#controller.abort(reason);
  }
}
