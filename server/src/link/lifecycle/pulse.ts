// Whether a live reader still works, told by its heartbeats. A reader that hangs answers nothing and does not die either: without
// this it would take requests for ever. Counts ticks of the watcher's own clock, so that a machine that slept, or a watcher
// that stood still itself, ends nobody. A gateway watches its children, a reader without gateway watches itself.
import type { FromReader } from '../messages.js';

/** How long a reader may hang. */
export interface PulseLimits {
  /** In which it says nothing, or its engine stands still over an answer that had begun. */
  readonly readerMessageTimeoutMs: number;
  /** In which its engine stands still over a prompt. */
  readonly firstTokenTimeoutMs: number;
}

/** How often `tick` is called unless the operator sets it; a reader's heartbeats come as often. */
export const TICK_MS = 1_000;

/** A heartbeat may be late on a machine that is busy converting a model; a shorter limit would end readers that are well. */
const LEAST_SILENCE_MS = 5_000;

export class ReaderPulse {
  readonly #tickMs: number;
  readonly #silenceMs: number;
  readonly #standstillMs: number;
  #silentTicks = 0;
  #standingTicks = 0;
  #steps = -1;
  #isWorking = false;
  #isSuspect = false;

  /** `tickMs`: how often `tick` is to be called. */
  constructor(limits: PulseLimits, tickMs = TICK_MS) {
    this.#tickMs = tickMs;
    this.#silenceMs = Math.max(limits.readerMessageTimeoutMs, LEAST_SILENCE_MS);
    this.#standstillMs = Math.max(limits.firstTokenTimeoutMs, LEAST_SILENCE_MS);
  }

  /** Anything that the reader says. */
  hear(message: FromReader): void {
    this.#silentTicks = 0;
    if (message.kind !== 'heartbeat') return;
    // An idle engine stands still and is well.
    this.#isWorking = message.running > 0;
    if (!this.#isWorking || message.steps !== this.#steps) {
      this.#standingTicks = 0;
      this.#isSuspect = false;
    }
    this.#steps = message.steps;
  }

  /** A request stalled whose answer had begun. Unless the engine makes a step, the limit of a pause between tokens is its own. */
  suspect(): void {
    this.#isSuspect = true;
  }

  /** Why the reader hangs, in words; undefined while it may be well. */
  tick(): string | undefined {
    this.#silentTicks += 1;
    if (this.#isWorking) this.#standingTicks += 1;
    if (this.#isOver(this.#silentTicks, this.#silenceMs))
      return `it said nothing for ${this.#silenceMs} ms (reader_message_timeout_ms)`;
    // Steps and not tokens: some tokens have no text of their own, and an engine that works on them is well.
    if (this.#isSuspect && this.#isOver(this.#standingTicks, this.#silenceMs))
      return `its engine made no step for ${this.#silenceMs} ms (reader_message_timeout_ms)`;
    // Longer: while nothing is being answered, one step on a slow machine may be a whole prompt of a large model.
    if (this.#isOver(this.#standingTicks, this.#standstillMs))
      return `its engine made no step for ${this.#standstillMs} ms (first_token_timeout_ms)`;
    return undefined;
  }

  /** One tick more than the limit, since the first may come at once. */
  #isOver(ticks: number, limitMs: number): boolean {
    return ticks * this.#tickMs > limitMs + this.#tickMs;
  }
}
