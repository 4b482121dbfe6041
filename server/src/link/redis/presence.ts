// Whether Redis is there, as one process sees it, and the beat in which the process shows that it lives. Whoever was cut off himself, or
// stood still, judges nobody for a while: the others may only have been as unlucky, and write their leases again first. An outage is
// reported once, however often it is met.
import { GRACE_MS } from './leases.js';
import { isRedisTrouble, type ConnectionListener } from './redis-connection.js';

export interface PresenceOptions {
  readonly log: PresenceLog;
  /** What is done once a second while it is `beat`. Trouble of Redis ends one and is no failure. */
  readonly onBeat: () => Promise<void>;
  /** Called each time Redis is there again, before the beat that follows at once. */
  readonly onUp?: () => void;
  readonly onDown?: () => void;
}

export interface PresenceLog {
  info(message: string): void;
  warn(message: string): void;
}

/** A process whose beat comes later than this stood still, and its own lease may have ended. */
const LATE_BEAT_MS = 3_000;

export class Presence {
  /** For the connection that it judges by. */
  readonly listener: Required<ConnectionListener>;
  readonly #options: PresenceOptions;
  #beating: Promise<void> | undefined;
  #lastBeatMs = performance.now();
  #upSinceMs = performance.now();
  #downSinceMs: number | null = performance.now();
  #isReported = false;
  #wasUp = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.listener = { onUp: () => this.#noteUp(), onDown: (why) => this.#noteDown(why) };
  }

  /** How long Redis has been away; null while it is there. */
  get downMs(): number | null {
    return this.#downSinceMs === null ? null : performance.now() - this.#downSinceMs;
  }

  /** Whether it is long enough that this process was cut off, or stood still, for it to judge who is alive. */
  get mayJudge(): boolean {
    return this.#downSinceMs === null && performance.now() - this.#upSinceMs > GRACE_MS;
  }

  /** To be called once a second. One beat at a time: a slow Redis is not asked more and more. */
  async beat(): Promise<void> {
    this.#beating ??= this.#beatNow().finally(() => {
      this.#beating = undefined;
    });
    await this.#beating;
  }

  /** Resolves when no beat is under way. */
  async idle(): Promise<void> {
    await this.#beating;
  }

  async #beatNow(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#lastBeatMs > LATE_BEAT_MS) this.#upSinceMs = nowMs;
    this.#lastBeatMs = nowMs;
    try {
      await this.#options.onBeat();
    } catch (error) {
      if (!isRedisTrouble(error)) throw error;
    }
  }

  #noteUp(): void {
    const { log, onUp } = this.#options;
    log.info(this.#wasUp ? 'connected to Redis again' : 'connected to Redis');
    this.#wasUp = true;
    this.#isReported = false;
    this.#upSinceMs = performance.now();
    this.#downSinceMs = null;
    onUp?.();
    void this.beat();
  }

  #noteDown(why: string): void {
    const { log, onDown } = this.#options;
    this.#downSinceMs ??= performance.now();
    if (!this.#isReported) log.warn(`Redis cannot be reached: ${why}`);
    this.#isReported = true;
    onDown?.();
  }
}
