// Tokens that must not be sampled next: ids that the tokenizer does not know, ends before min_new_tokens, and tokens that
// would repeat an n-gram. Only generated tokens count for n-grams, as in the reference, which generates from embeddings.
import type { BannedTokens } from '../../native/inference/jobs.js';

export interface TokenBanSettings {
  /** Ids from here on do not exist for the tokenizer. */
  readonly tokenCount: number;
  readonly endTokens: readonly number[];
  readonly minNewTokens: number;
  /** 0 turns the rule off. */
  readonly noRepeatNgramSize: number;
}

export class TokenBans {
  readonly #settings: TokenBanSettings;
  readonly #generated: number[] = [];
  /** The n − 1 tokens before → tokens that followed them. */
  readonly #followers = new Map<string, Set<number>>();

  constructor(settings: TokenBanSettings) {
    this.#settings = settings;
  }

  /** What must not be sampled next. */
  next(): BannedTokens {
    const { tokenCount, endTokens, minNewTokens } = this.#settings;
    const ends = this.#generated.length < minNewTokens ? endTokens : [];
    return { from: tokenCount, tokens: [...ends, ...(this.#followers.get(this.#context()) ?? [])] };
  }

  /** Records a sampled token. */
  accept(token: number): void {
    const { noRepeatNgramSize } = this.#settings;
    if (noRepeatNgramSize > 0 && this.#generated.length >= noRepeatNgramSize - 1) {
      const context = this.#context();
      const followers = this.#followers.get(context) ?? new Set<number>();
      this.#followers.set(context, followers.add(token));
    }
    this.#generated.push(token);
  }

  #context(): string {
    const length = this.#settings.noRepeatNgramSize - 1;
    return length > 0 ? this.#generated.slice(-length).join(' ') : '';
  }
}
