// The constraint of one answer while it is made: which token may come next, and whether it may or must end. Ends are the model's own
// end tokens; llguidance knows nothing of them.
import { InputError } from '../../errors.js';
import type { TokenizerSettings } from '../../model/description.js';
import { Refused, type Matcher } from './matcher.js';
import { firstLines } from './refusal.js';
import { Trapped } from './wasm-heap.js';

export class AnswerConstraint {
  readonly #matcher: Matcher;
  readonly #endTokens: readonly number[];
  readonly #onClose: () => void;
  #isOpen = true;

  /** Takes the matcher over. */
  constructor(matcher: Matcher, { eosIds }: TokenizerSettings, onClose: () => void) {
    this.#matcher = matcher;
    this.#endTokens = eosIds;
    this.#onClose = onClose;
  }

  /**
   * Whether the token may come next. Cheaper than a mask by far.
   * @throws InputError request.constraint_too_large
   */
  allows(token: number): boolean {
    return this.#guarded(() =>
      this.#endTokens.includes(token) ? this.#matcher.isAccepting : this.#matcher.allows(token),
    );
  }

  /**
   * A bit for each token that may come next, ends included, the first in the lowest bit.
   * @throws InputError request.constraint_too_large
   */
  computeMask(): Uint32Array {
    return this.#guarded(() => {
      const mask = this.#matcher.computeMask();
      if (this.#matcher.isAccepting)
        for (const end of this.#endTokens) mask[end >> 5] = (mask[end >> 5] ?? 0) | (1 << (end & 31));
      return mask;
    });
  }

  /** Takes a token in that is allowed and no end: whether the answer is complete with it, because nothing can follow. */
  accept(token: number): boolean {
    return this.#guarded(() => {
      this.#matcher.accept(token);
      return this.#matcher.isStopped;
    });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#matcher.close();
    this.#onClose();
  }

  #guarded<T>(compute: () => T): T {
    try {
      return compute();
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Trapped)) throw error;
      throw new InputError(
        'request.constraint_too_large',
        `In the middle of the answer, its schema or pattern costs more than one answer may: ${firstLines(error.message)}. Make it smaller.`,
        { cause: error },
      );
    }
  }
}
