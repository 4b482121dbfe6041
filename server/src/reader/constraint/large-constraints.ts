// Constraints that take longer to compile than running streams can wait. They are not compiled again on the thread of the reader's loop:
// the memory in which the trial thread compiled one becomes that of an instance here, a slice at a time, and answers start from it.
// Owns a fixed number of such instances and uses them again, so that what large constraints take is bounded.
import { Llguidance, type CompiledImage, type InstanceImage } from './llguidance.js';
import type { Matcher } from './matcher.js';
import { constraintsBusy, type Program, type Started } from './program.js';

/**
 * As many as answers run at once by default, so that each can have one of its own. Each takes the memory of a vocabulary and of one
 * constraint, 25 MB and more with 32,000 tokens, once it is used.
 */
export const MAX_LARGE = 8;

export class LargeConstraints {
  readonly #image: InstanceImage;
  /** In the order in which they were used last. */
  #seats: Seat[] = [];

  /** @param image of the vocabulary */
  constructor(image: InstanceImage) {
    this.#image = image;
  }

  /** @throws CapacityError reader.constraints_busy when every instance is in use */
  async take(compiled: CompiledImage): Promise<Program> {
    const seat = this.#freeSeat();
    this.#noteUse(seat);
    const matcher = await seat.take(compiled);
    return {
      get isLost() {
        return !seat.holds(matcher);
      },
      start: () => {
        const started = seat.start(matcher);
        this.#noteUse(seat);
        return started;
      },
      close: () => seat.leave(matcher),
    };
  }

  #freeSeat(): Seat {
    const seat = this.#seats.find(({ isFree }) => isFree);
    // Those that hold nothing any more go first; then there is room for another one before a kept constraint is lost.
    if (seat?.isEmpty === true) return seat;
    if (this.#seats.length < MAX_LARGE) return new Seat(this.#image);
    if (seat !== undefined) return seat;
    throw constraintsBusy(
      `takes long to compile, and of those a reader has ${MAX_LARGE} at a time, which answers are using`,
    );
  }

  #noteUse(seat: Seat): void {
    this.#seats = [...this.#seats.filter((other) => other !== seat), seat];
  }
}

/** An instance, for one constraint after the other. */
class Seat {
  readonly #image: InstanceImage;
  #instance: Llguidance | undefined;
  #matcher: Matcher | undefined;
  #openAnswers = 0;
  #isFilling = false;

  constructor(image: InstanceImage) {
    this.#image = image;
  }

  get isFree(): boolean {
    return !this.#isFilling && this.#openAnswers === 0;
  }

  get isEmpty(): boolean {
    return this.isFree && this.#matcher === undefined;
  }

  holds(matcher: Matcher): boolean {
    return this.#matcher === matcher && this.#instance?.hasTrapped === false;
  }

  async take(compiled: CompiledImage): Promise<Matcher> {
    this.#isFilling = true;
    this.#matcher = undefined;
    try {
      if (this.#instance?.hasTrapped !== false) this.#instance = Llguidance.empty(this.#image);
      this.#matcher = await this.#instance.takeOver(compiled);
      return this.#matcher;
    } finally {
      this.#isFilling = false;
    }
  }

  start(matcher: Matcher): Started {
    if (!this.holds(matcher)) throw constraintsBusy('had to make room for others that take long to compile');
    const clone = matcher.clone();
    this.#openAnswers += 1;
    return {
      matcher: clone,
      onClose: () => {
        this.#openAnswers -= 1;
      },
    };
  }

  /** Its memory is kept for the next one. */
  leave(matcher: Matcher): void {
    if (this.#matcher === matcher) this.#matcher = undefined;
  }
}
