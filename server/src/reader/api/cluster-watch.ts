// Whether the cluster of a live reader is still there: asked every few seconds, more often while it seems not to be. What streams in counts
// as a sign, too, because a server that is busy enough answers such questions late.
import { ClusterError } from '../../errors.js';

export interface ClusterWatchOptions {
  /** @throws ClusterError when the cluster is not well */
  readonly probe: () => Promise<void>;
  /** The cluster lives. */
  readonly onSign: () => void;
  /** Called once, with why. */
  readonly onLost: (error: ClusterError) => void;
  readonly pauseMs?: number;
  readonly doubtfulPauseMs?: number;
}

const PAUSE_MS = 5_000;
const DOUBTFUL_PAUSE_MS = 1_000;
/** In a row, without a sign between them. */
const MAX_FAILURES = 3;

export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #isAsking = false;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
    this.#plan();
  }

  /** Something came from the cluster. */
  noteSign(): void {
    this.#failures = 0;
  }

  /** A prompt did not reach the cluster: it is asked soon. */
  suspect(): void {
    if (this.#isAsking || this.#failures > 0) return;
    this.#plan(0);
  }

  stop(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  #plan(pauseMs?: number): void {
    if (this.#hasEnded) return;
    const { pauseMs: calm = PAUSE_MS, doubtfulPauseMs = DOUBTFUL_PAUSE_MS } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => void this.#ask(),
      pauseMs ?? (this.#failures > 0 ? doubtfulPauseMs : calm),
    );
    this.#timer.unref();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const failuresBefore = this.#failures;
    try {
      await this.#options.probe();
      this.#failures = 0;
      this.#options.onSign();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      // A sign came meanwhile where they are fewer than before.
      if (this.#failures >= failuresBefore) this.#failures += 1;
      if (this.#failures >= MAX_FAILURES && !this.#hasEnded) {
        this.stop();
        this.#options.onLost(error);
      }
    } finally {
      this.#isAsking = false;
    }
    this.#plan();
  }
}
