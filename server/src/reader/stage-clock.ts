// How long a sequence spends at each stage of its work. At any time it is at one of them, so the times never overlap; what is left
// of the time between a request's arrival and its end is waiting. Sequences that lose their place wait again and go on adding up.
import type { WorkTimes } from '../link/requests/messages.js';

/** `waiting`: it has no place. `vision`: features of its images are missing. `prefill`: rows before its next token are. */
export type Stage = 'waiting' | 'vision' | 'prefill' | 'decode';

export class StageClock {
  #stage: Stage = 'waiting';
  #sinceMs = 0;
  readonly #spentMs = { waiting: 0, vision: 0, prefill: 0, decode: 0 };

  /** The sequence is at this stage from now on; `nowMs` never decreases. */
  enter(stage: Stage, nowMs: number): void {
    if (stage === this.#stage) return;
    this.#spentMs[this.#stage] += nowMs - this.#sinceMs;
    this.#stage = stage;
    this.#sinceMs = nowMs;
  }

  /** Ends the stage that it is at. */
  stop(nowMs: number): WorkTimes {
    this.enter('waiting', nowMs);
    const { vision, prefill, decode } = this.#spentMs;
    return { visionMs: vision, prefillMs: prefill, decodeMs: decode };
  }
}
