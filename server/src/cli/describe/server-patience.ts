// Waiting for a server that is away: all requests of a run wait together, with growing pauses, until it can answer again.
import { CommandError } from '../../errors.js';

export interface PatienceOptions {
  /** Whether the server can be asked; false also where it cannot be reached. */
  readonly isThere: () => Promise<boolean>;
  /** Longest time without a success before the run is given up. */
  readonly maxWaitMs: number;
  /** Told before each pause: why, and for how long nothing has succeeded. */
  readonly onWait: (why: string, sinceMs: number) => void;
  /** Rejects when waiting makes no sense any more. */
  readonly pause: (durationMs: number) => Promise<void>;
  readonly nowMs: () => number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export class ServerPatience {
  readonly #options: PatienceOptions;
  #waiting: Promise<void> | undefined;
  #awaySinceMs: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Tells that the server works: a request succeeded, or failed because of its image. */
  noteAnswer(): void {
    this.#awaySinceMs = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  /**
   * Resolves when the server may be asked again, after one pause at least.
   * @param failure of the request that has to wait
   * @throws CommandError command.incomplete when the server stays away
   * @throws what `pause` rejects with
   */
  wait(failure: Error, atLeastMs = 0): Promise<void> {
    this.#waiting ??= this.#wait(failure, atLeastMs).finally(() => {
      this.#waiting = undefined;
    });
    return this.#waiting;
  }

  async #wait(failure: Error, atLeastMs: number): Promise<void> {
    const { isThere, maxWaitMs, onWait, pause, nowMs } = this.#options;
    this.#awaySinceMs ??= nowMs();
    let pauseMs = Math.max(atLeastMs, this.#pauseMs);
    do {
      const sinceMs = nowMs() - this.#awaySinceMs;
      if (sinceMs > maxWaitMs) throw stayedAway(failure, sinceMs);
      onWait(failure.message, sinceMs);
      await pause(pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      pauseMs = this.#pauseMs;
    } while (!(await isThere()));
  }
}

const stayedAway = (cause: Error, sinceMs: number): CommandError =>
  new CommandError(
    'command.incomplete',
    `The server has not answered for ${Math.round(sinceMs / 1000)} s (--max-wait): ${cause.message} The same command goes on where this run ended.`,
    { cause },
  );
