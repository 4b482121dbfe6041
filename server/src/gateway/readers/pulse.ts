// Whether a live reader still works, judged by its heartbeats. A reader that hangs answers nothing and does not die either: without
// this it would take requests for ever. Counts ticks of the gateway's own clock, so that a machine that slept, or a gateway that
// stood still itself, kills nobody.
import type { FromReader } from '../../link/messages.js';
import type { StallLimits } from './stall-watchdog.js';

/** How often `tick` is to be called; a reader's heartbeats come as often. */
export const TICK_MS = 1_000;

/** A heartbeat may be late on a machine that is busy converting a model; a shorter limit would end readers that are well. */
const LEAST_SILENCE_MS = 5_000;

export class ReaderPulse {
  readonly #silenceMs: number;
  readonly #standstillMs: number;
  #silentTicks = 0;
  #standingTicks = 0;
  #steps = -1;

  constructor(limits: StallLimits) {
    this.#silenceMs = Math.max(limits.readerMessageTimeoutMs, LEAST_SILENCE_MS);
    this.#standstillMs = Math.max(limits.firstTokenTimeoutMs, LEAST_SILENCE_MS);
  }

  /** Anything that the reader says. */
  hear(message: FromReader): void {
    this.#silentTicks = 0;
    if (message.kind !== 'heartbeat') return;
    // An idle engine stands still and is well.
    if (message.running === 0 || message.steps !== this.#steps) this.#standingTicks = 0;
    this.#steps = message.steps;
  }

  /** Why the reader hangs, in words; undefined while it may be well. */
  tick(): string | undefined {
    this.#silentTicks += 1;
    this.#standingTicks += 1;
    if (this.#silentTicks * TICK_MS > this.#silenceMs + TICK_MS)
      return `it said nothing for ${this.#silenceMs} ms (reader_message_timeout_ms)`;
    // Longer: one step on a slow machine may be a whole prompt of a large model.
    if (this.#standingTicks * TICK_MS > this.#standstillMs + TICK_MS)
      return `its engine made no step for ${this.#standstillMs} ms (first_token_timeout_ms)`;
    return undefined;
  }
}
