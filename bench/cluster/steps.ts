// What a step (readers come, die, drain) does to images that readers had encoded, and to first tokens: in the half minute before it, the
// half minute after it and the next one.
import type { Window } from './outcomes.js';
import type { Simulation } from './simulation.js';

const WINDOW_MS = 30_000;
/** How much time a step needs for itself: before it, after it and later. */
export const STEP_MS = 3 * WINDOW_MS;

export interface StepFigures {
  readonly step: string;
  /** Images that at least one reader had encoded. */
  readonly heldImages: number;
  /** Of them, those that no reader had right after the step: they went with their readers. */
  readonly lostImages: number;
  readonly before: WindowFigures;
  readonly after: WindowFigures;
  readonly later: WindowFigures;
}

export interface WindowFigures extends Window {
  /** Of the images that were held when it began and were asked about in it, the share that was encoded by another reader, too. */
  readonly movedImages: number;
}

interface Watch {
  readonly held: ReadonlySet<string>;
  readonly asked: Set<string>;
  readonly moved: Set<string>;
  readonly fromMs: number;
}

export class SimulatedSteps {
  readonly figures: StepFigures[] = [];
  readonly #simulation: Simulation;
  readonly #windowShare: number;
  #watch: Watch | undefined;

  /** @param windowShare the share of all requests that arrives in half a minute */
  constructor(simulation: Simulation, windowShare: (windowMs: number) => number) {
    this.#simulation = simulation;
    this.#windowShare = windowShare(WINDOW_MS);
    simulation.onFirstToken = (image, wasEncoded) => {
      if (this.#watch?.held.has(image) !== true) return;
      this.#watch.asked.add(image);
      if (!wasEncoded) this.#watch.moved.add(image);
    };
  }

  plan(share: number, step: string, happen: () => void): void {
    const simulation = this.#simulation;
    simulation.at(share - this.#windowShare, () => {
      this.#begin();
    });
    simulation.at(share, () => {
      const before = this.#end();
      const held = simulation.encodedImages;
      this.#begin();
      happen();
      const kept = simulation.encodedImages;
      const lostImages = [...held].filter((image) => !kept.has(image)).length;
      simulation.after(WINDOW_MS, () => {
        const after = this.#end();
        this.#begin();
        simulation.after(WINDOW_MS, () => {
          const later = this.#end();
          this.figures.push({ step, heldImages: held.size, lostImages, before, after, later });
        });
      });
    });
  }

  #begin(): void {
    const { encodedImages, nowMs } = this.#simulation;
    this.#watch = { held: encodedImages, asked: new Set(), moved: new Set(), fromMs: nowMs };
  }

  #end(): WindowFigures {
    const { asked, moved, fromMs } = this.#watch!;
    this.#watch = undefined;
    const { nowMs, outcomes } = this.#simulation;
    return { ...outcomes.window(fromMs, nowMs), movedImages: moved.size / asked.size };
  }
}
