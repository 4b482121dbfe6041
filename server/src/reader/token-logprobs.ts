// The log probabilities of an answer's tokens on their way out. They leave with the text of their token, so that those of a stop
// string, which is no part of the answer, are never told. One token of a text is told once, in order.
import type { TokenLogprob } from '../link/requests/messages.js';
import type { SampledToken } from './engine/engine.js';
import type { TokenId } from './ids.js';
import type { Tokenizer } from './prompt/tokenizer.js';

interface Held {
  readonly told: TokenLogprob;
  /** Where the text of the token begins in that of the answer. */
  readonly start: number;
}

export class TokenLogprobs {
  readonly #tokenizer: Tokenizer;
  #held: Held[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Takes a token in. `start`: characters of the answer before it, held back ones included. */
  add({ token, logprobs }: SampledToken, start: number): void {
    if (logprobs === null) return;
    const { logprob, top } = logprobs;
    const ranked = (id: TokenId, itsLogprob: number) => ({
      bytes: this.#tokenizer.pieceBytes(id),
      logprob: itsLogprob,
    });
    const alternatives = top.map((other) => ranked(other.token, other.logprob));
    this.#held.push({ told: { ...ranked(token, logprob), top: alternatives }, start });
  }

  /** Those of the tokens whose text begins before `end`. */
  takeBefore(end: number): readonly TokenLogprob[] {
    const taken = this.#held.filter(({ start }) => start < end).map(({ told }) => told);
    this.#held = this.#held.filter(({ start }) => start >= end);
    return taken;
  }
}
