// The tokens of a vocabulary by their spellings, read when it is first needed.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toTokenId, type TokenId } from '../ids.js';
import type { Tokenizer } from '../prompt/tokenizer.js';

/** A turn of the loop between so many: each takes about a microsecond, and running streams must not wait for 128,000 of them. */
const TOKENS_A_TURN = 1_000;

export class Spellings {
  readonly #tokenizer: Tokenizer;
  #ids: Promise<ReadonlyMap<string, TokenId>> | undefined;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Where two tokens are spelt alike, the one with the smaller id. */
  async ids(): Promise<ReadonlyMap<string, TokenId>> {
    this.#ids ??= this.#read();
    return this.#ids;
  }

  async #read(): Promise<ReadonlyMap<string, TokenId>> {
    const { tokenCount, addedTokens } = this.#tokenizer.settings;
    const ids = new Map(addedTokens.map(({ content, id }) => [content, toTokenId(id)]));
    for (let id = 0; id < tokenCount; id += 1) {
      if (id % TOKENS_A_TURN === 0) await nextTurn();
      const token = toTokenId(id);
      const spelling = this.#tokenizer.spelling(token);
      if (!ids.has(spelling)) ids.set(spelling, token);
    }
    return ids;
  }
}
