// How long the work of one turn may take while answers go on. Where no time is set it follows the model and the machine: an answer
// beside which prompts are read and images are encoded gets its tokens at most so many times later than alone, and whoever waits for
// a first token loses little to the rows of others.
import type { ReaderStart } from '../../link/lifecycle/messages.js';

export type StepTargetSetting = ReaderStart['stepTargetMs'];

/**
 * Between two tokens, of the time that they take when nothing else is done. Steps take whole groups of rows and so less than this. A
 * prompt with images waits for their encoding, too, which answers cannot share a batch with: it gets more of each step than text.
 */
const TIMES_ALONE = { text: 3.6, image: 4 };
export type PromptKind = keyof typeof TIMES_ALONE;
/** Nobody notices shorter pauses, and steps of fewer rows compute them slower. */
const LEAST_MS = 40;
/** Where no answer has gone on alone yet. */
const UNKNOWN_MS = 200;
/** Of the target, for the encoding of images, where the time of the step behind it is not known. */
const VISION_SHARE = 0.5;
/** Steps that are looked back on. */
const REMEMBERED = 16;

export class StepTarget {
  readonly #setting: StepTargetSetting;
  /** Milliseconds of the last steps in which answers went on and nothing else was done. */
  readonly #aloneMs: number[] = [];

  constructor(setting: StepTargetSetting) {
    this.#setting = setting;
  }

  noteAlone(ms: number): void {
    this.#aloneMs.push(ms);
    if (this.#aloneMs.length > REMEMBERED) this.#aloneMs.shift();
  }

  /** Of a step, and of all work between two tokens, beside a prompt of that kind. */
  stepMs(prompt: PromptKind): number {
    if (this.#setting !== 'auto') return this.#setting;
    const aloneMs = this.#medianMs();
    return aloneMs === undefined ? UNKNOWN_MS : Math.max(LEAST_MS, TIMES_ALONE[prompt] * aloneMs);
  }

  /** Of the encoding of images before a step: what the step's answers leave, and half at least, so that images come on. */
  get visionMs(): number {
    const stepMs = this.stepMs('image');
    const half = VISION_SHARE * stepMs;
    return Math.max(half, stepMs - (this.#medianMs() ?? half));
  }

  /** One slow step does not count. */
  #medianMs(): number | undefined {
    const sorted = [...this.#aloneMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}
