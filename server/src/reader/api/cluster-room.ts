// Back-pressure of a cluster, for all prompts of a reader together: after a 429 or 503 nobody asks again before the time that the cluster
// named, or before a pause that doubles while it stays full. Waiting prompts do not hammer a cluster that is busy enough.
import { setTimeout as delay } from 'node:timers/promises';

export interface RoomOptions {
  /** Milliseconds from any beginning, ever growing. */
  readonly nowMs: () => number;
  /** From 0 to 1; cuts pauses by up to a half, so that readers do not come back together. */
  readonly random: () => number;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 8_000;
/** A cluster that names a longer time is asked again then all the same: its estimate may be that of a crowd. */
const MAX_NAMED_PAUSE_MS = 30_000;

export class ClusterRoom {
  readonly #options: RoomOptions;
  #opensAtMs = 0;
  #refusals = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Whether the cluster may be asked now. */
  get isOpen(): boolean {
    return this.#options.nowMs() >= this.#opensAtMs;
  }

  /** Resolves when the cluster may be asked. @throws the signal's reason */
  async open(signal: AbortSignal): Promise<void> {
    const { nowMs, wait = waitFor } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const leftMs = this.#opensAtMs - nowMs();
      if (leftMs <= 0) return;
      await wait(leftMs, signal);
    }
  }

  /** The cluster had no room. @param retryAfterMs what it named; null: nothing */
  noteFull(retryAfterMs: number | null): void {
    const { nowMs, random } = this.#options;
    const doubled = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#refusals, 10));
    const pauseMs =
      retryAfterMs === null ? doubled * (1 - random() / 2) : Math.min(MAX_NAMED_PAUSE_MS, retryAfterMs);
    this.#refusals += 1;
    this.#opensAtMs = Math.max(this.#opensAtMs, nowMs() + Math.max(pauseMs, FIRST_PAUSE_MS / 2));
  }

  /** The cluster took a prompt. */
  noteTaken(): void {
    this.#refusals = 0;
  }
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** The header Retry-After in milliseconds: seconds, or a date; null where it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}(?:\.\d+)?$/u.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
