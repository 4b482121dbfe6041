// Constraints that compile in no time that a running stream would feel: all of them share one instance of llguidance, on the thread of
// the reader's loop. Owns the instance and gives it up when it has trapped, or when it is large and no answer uses it; what was
// compiled in it is lost then.
import { Llguidance, type InstanceImage } from './llguidance.js';
import type { Matcher } from './matcher.js';
import { constraintsBusy, type Program, type Started } from './program.js';
import type { TrialQuestion } from './trial-messages.js';

/** Above this the memory, which never shrinks, is given up as soon as no answer uses it. */
const MAX_IDLE_MEMORY_BYTES = 256 * 2 ** 20;

/** The instance, and how many answers hold something of it. */
interface Shared {
  readonly instance: Llguidance;
  openAnswers: number;
}

export class SmallConstraints {
  readonly #image: InstanceImage;
  readonly #programs = new Set<SmallProgram>();
  #shared: Promise<Shared> | undefined;

  /** Of the vocabulary, before anything was compiled. */
  constructor(image: InstanceImage) {
    this.#image = image;
  }

  /**
   * @param question has compiled before, quickly, in an instance with the same limits
   * @throws Trapped
   */
  async compile({ kind, grammar }: TrialQuestion): Promise<Program> {
    const shared = await this.#current();
    const program = new SmallProgram(shared, shared.instance.compile(kind, grammar), () =>
      this.#programs.delete(program),
    );
    this.#programs.add(program);
    return program;
  }

  async #current(): Promise<Shared> {
    this.#shared ??= this.#begin();
    const pending = this.#shared;
    const shared = await pending;
    if (!isSpent(shared)) return shared;
    // Others may have waited for the same instance, and begun the next one.
    if (this.#shared === pending) {
      for (const program of this.#programs) program.close();
      this.#shared = undefined;
    }
    return this.#current();
  }

  async #begin(): Promise<Shared> {
    return { instance: await Llguidance.fromImage(this.#image), openAnswers: 0 };
  }
}

const isSpent = ({ instance, openAnswers }: Shared): boolean =>
  instance.hasTrapped || (instance.memoryBytes > MAX_IDLE_MEMORY_BYTES && openAnswers === 0);

class SmallProgram implements Program {
  readonly #shared: Shared;
  readonly #onClose: () => void;
  #matcher: Matcher | undefined;

  constructor(shared: Shared, matcher: Matcher, onClose: () => void) {
    this.#shared = shared;
    this.#matcher = matcher;
    this.#onClose = onClose;
  }

  get isLost(): boolean {
    return this.#matcher === undefined || this.#shared.instance.hasTrapped;
  }

  start(): Started {
    if (this.#matcher === undefined || this.isLost)
      throw constraintsBusy('was compiled in memory that another one has spoilt');
    const matcher = this.#matcher.clone();
    this.#shared.openAnswers += 1;
    return {
      matcher,
      onClose: () => {
        this.#shared.openAnswers -= 1;
      },
    };
  }

  close(): void {
    this.#matcher?.close();
    this.#matcher = undefined;
    this.#onClose();
  }
}
