// How much work one rendering may do. Templates have no endless loops but loops in loops, macros that call themselves, and texts that
// double; each step and each 32 characters of a text that is made or looked through cost one unit, and levels are counted, so that a
// rendering is over after a known time and far from the end of the stack whatever the template says.
import { TemplateFault } from './template-fault.js';

const CHARACTERS_PER_UNIT = 32;
/** Templates of today nest some 30 levels. One level takes up to five frames of the stack, of which there are some ten thousand. */
const MAX_LEVELS = 400;
/** Searching may compare each character with so much of what is sought before it moves on. */
const SEARCH_STRIDE = 256;

export class Budget {
  #units: number;
  #levels = 0;

  constructor(units: number) {
    this.#units = units;
  }

  steps(count: number): void {
    this.#units -= count;
    if (this.#units < 0)
      throw new TemplateFault(
        'too_large',
        'it takes more steps than a template may take for one conversation',
      );
  }

  /** Before a text of this length is made, or gone through. */
  make(length: number): void {
    this.steps(1 + Math.ceil(length / CHARACTERS_PER_UNIT));
  }

  /** Before a text is searched. */
  search(length: number, soughtLength: number): void {
    this.make(length * (1 + Math.ceil(soughtLength / SEARCH_STRIDE)));
  }

  /** One step that is part of the one before. */
  nested<T>(work: () => T): T {
    this.steps(1);
    if (this.#levels >= MAX_LEVELS)
      throw new TemplateFault('too_large', `it nests deeper than ${MAX_LEVELS} levels`);
    this.#levels += 1;
    try {
      return work();
    } finally {
      this.#levels -= 1;
    }
  }
}
