// When a reader that died is started again. Work done is what counts as health, not time: a reader that had answered since its
// start is started at once, so that a crash costs its requests a delay. One that dies without an answer, again and again, is
// started less and less often.

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

export class RestartPolicy {
  readonly #random: () => number;
  #hasAnswered = false;
  /** In a row, without an answer between them. */
  #fruitlessDeaths = 0;

  /** @param random from 0 to 1; cuts delays by up to a half, so that readers which died together do not load together */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The reader has answered a prompt. */
  noteAnswer(): void {
    this.#hasAnswered = true;
  }

  /** The reader has died with this code. Null: the operator must act before starting it can help. */
  delayAfterDeathMs(code: string, wasLive: boolean): number | null {
    if (!wasLive && isPermanentFailure(code)) return null;
    if (this.#hasAnswered) {
      this.#hasAnswered = false;
      this.#fruitlessDeaths = 0;
      return 0;
    }
    this.#fruitlessDeaths += 1;
    const doublings = Math.min(this.#fruitlessDeaths - 1, MAX_DOUBLINGS);
    const fullMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** doublings);
    return Math.round(fullMs * (1 - this.#random() / 2));
  }
}

/** Far beyond the longest delay, and far below what a number holds. */
const MAX_DOUBLINGS = 20;

/** Failures that the same files, flags and libraries give again: restarting would only burn the processor. */
const isPermanentFailure = (code: string): boolean =>
  ['checkpoint.', 'config.', 'native.library'].some((prefix) => code.startsWith(prefix)) ||
  (code.startsWith('hub.') && code !== 'hub.unreachable');
