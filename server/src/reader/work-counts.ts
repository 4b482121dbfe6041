// What the loop counts of its work, for the heartbeat.
import { STEP_MS_BOUNDS, STEP_ROWS_BOUNDS, type ReaderCounts } from '../link/lifecycle/reader-counts.js';
import { RunningTally } from '../link/lifecycle/running-tally.js';

export interface CountedStep {
  readonly decodeRows: number;
  readonly prefillRows: number;
  readonly sampledTokens: number;
  readonly ms: number;
}

export type WorkTotals = Pick<ReaderCounts, 'steps' | 'visionSlicesMs' | 'generatedTokens' | 'putBack'>;

export class WorkCounts {
  readonly #stepRows = new RunningTally(STEP_ROWS_BOUNDS);
  readonly #stepMs = new RunningTally(STEP_MS_BOUNDS);
  readonly #visionSlicesMs = new RunningTally(STEP_MS_BOUNDS);
  readonly #putBack = { prefill: 0, decode: 0 };
  #decoding = 0;
  #prefilling = 0;
  #lastDecodeRows = 0;
  #generatedTokens = 0;

  addStep({ decodeRows, prefillRows, sampledTokens, ms }: CountedStep): void {
    this.#stepRows.add(decodeRows + prefillRows);
    this.#stepMs.add(ms);
    if (decodeRows > 0) this.#decoding += 1;
    if (prefillRows > 0) this.#prefilling += 1;
    this.#lastDecodeRows = decodeRows;
    this.#generatedTokens += sampledTokens;
  }

  addVisionSlice(ms: number): void {
    this.#visionSlicesMs.add(ms);
  }

  addPutBack(stage: 'prefill' | 'decode'): void {
    this.#putBack[stage] += 1;
  }

  get totals(): WorkTotals {
    return {
      steps: {
        rows: this.#stepRows.tally,
        ms: this.#stepMs.tally,
        decoding: this.#decoding,
        prefilling: this.#prefilling,
        lastDecodeRows: this.#lastDecodeRows,
      },
      visionSlicesMs: this.#visionSlicesMs.tally,
      generatedTokens: this.#generatedTokens,
      putBack: { ...this.#putBack },
    };
  }
}
