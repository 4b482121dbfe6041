// When a reader that died is started again. Work done is what counts as health, not time: a reader that had answered since its
// start is started at once, so that a crash costs its requests a delay. One that dies without an answer, again and again, is
// started less and less often, and one whose model hub cannot be reached only for so long.

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/**
 * From the first time that a reader ended because of it: machines that start before their network, and hubs that are restarted, need
 * less. Nothing counts in which a download got further.
 */
const HUB_PATIENCE_MS = 120_000;

export const UNREACHABLE_CODE = 'hub.unreachable';
export const GIVEN_UP_SENTENCE = `This has not changed for ${HUB_PATIENCE_MS / 60_000} minutes, so the reader is not started again: start the server anew when the hub can be reached.`;

export interface RestartOptions {
  /** From 0 to 1; cuts delays by up to a half, so that readers which died together do not load together. */
  readonly random: () => number;
  readonly nowMs: () => number;
}

export class RestartPolicy {
  readonly #options: RestartOptions;
  #hasAnswered = false;
  /** When a reader ended first because of the hub, without getting further since. */
  #unreachableSinceMs: number | undefined;
  /** How far each stage of loading has ever got, as a fraction. */
  readonly #furthest = new Map<string, number>();
  /** In a row, without an answer between them. */
  #fruitlessDeaths = 0;

  constructor(options: RestartOptions) {
    this.#options = options;
  }

  /** A reader that loads says how far it is. */
  noteLoading(stage: string, fraction: number | null): void {
    if (fraction === null || fraction <= (this.#furthest.get(stage) ?? 0)) return;
    this.#furthest.set(stage, fraction);
    this.#unreachableSinceMs = undefined;
  }

  /** The reader has answered a prompt. */
  noteAnswer(): void {
    this.#hasAnswered = true;
  }

  /** The reader has died with this code. Null: the operator must act before starting it can help. */
  delayAfterDeathMs(code: string, wasLive: boolean): number | null {
    if (!wasLive && (isPermanentFailure(code) || this.#isOutOfPatience(code))) return null;
    if (this.#hasAnswered) {
      this.#hasAnswered = false;
      this.#fruitlessDeaths = 0;
      return 0;
    }
    this.#fruitlessDeaths += 1;
    const doublings = Math.min(this.#fruitlessDeaths - 1, MAX_DOUBLINGS);
    const fullMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** doublings);
    return Math.round(fullMs * (1 - this.#options.random() / 2));
  }

  #isOutOfPatience(code: string): boolean {
    if (code !== UNREACHABLE_CODE) {
      this.#unreachableSinceMs = undefined;
      return false;
    }
    const nowMs = this.#options.nowMs();
    this.#unreachableSinceMs ??= nowMs;
    return nowMs - this.#unreachableSinceMs >= HUB_PATIENCE_MS;
  }
}

/** Far beyond the longest delay, and far below what a number holds. */
const MAX_DOUBLINGS = 20;

/** Failures that the same files, flags and libraries give again: restarting would only burn the processor. */
const isPermanentFailure = (code: string): boolean =>
  ['checkpoint.', 'config.', 'native.library', 'native.device_missing'].some((prefix) =>
    code.startsWith(prefix),
  ) ||
  (code.startsWith('hub.') && code !== UNREACHABLE_CODE);
