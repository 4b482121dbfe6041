// A tokenizer for unit tests with ids that a reader can check: a character's id is its code point, added tokens lie above Unicode.
import type { AddedToken, TokenizerSettings } from '../../server/src/model/description.js';
import type { TokenId } from '../../server/src/reader/ids.js';
import type { Tokenizer } from '../../server/src/reader/prompt/tokenizer.js';

const FIRST_ADDED_ID = 0x11_0000;
export const BOS = FIRST_ADDED_ID as TokenId;

/** `<s>` and `</s>` are special; the others get the ids after them. */
export class CharacterTokenizer implements Tokenizer {
  readonly settings: TokenizerSettings;

  constructor(overrides: Partial<TokenizerSettings> = {}, more: readonly Partial<AddedToken>[] = []) {
    const addedTokens = [{ content: '<s>' }, { content: '</s>' }, ...more].map((token, index) => ({
      id: FIRST_ADDED_ID + index,
      content: '',
      special: true,
      lstrip: false,
      rstrip: false,
      ...token,
    }));
    this.settings = {
      kind: 'sentencepiece',
      legacy: false,
      addBos: true,
      addSpacePrefix: true,
      removesExtraWhitespace: false,
      bosId: BOS,
      eosIds: [FIRST_ADDED_ID + 1],
      tokenCount: FIRST_ADDED_ID + addedTokens.length,
      addedTokens,
      spellings: null,
      ...overrides,
    };
  }

  encodePlain(text: string): TokenId[] {
    return Array.from(text, (character) => character.codePointAt(0) as TokenId);
  }

  pieceBytes(token: number): Uint8Array {
    if (token < FIRST_ADDED_ID) return new TextEncoder().encode(String.fromCodePoint(token));
    const added = this.settings.addedTokens.find(({ id }) => id === token);
    return new TextEncoder().encode(added?.special === false ? added.content : '');
  }

  spelling(token: number): string {
    if (token < FIRST_ADDED_ID) return String.fromCodePoint(token);
    return this.settings.addedTokens.find(({ id }) => id === token)?.content ?? '';
  }

  /** Ids as text: characters as themselves, added tokens by their spelling in brackets. */
  show(ids: readonly number[]): string {
    const spelling = (id: number) =>
      this.settings.addedTokens.find((token) => token.id === id)?.content ?? '?';
    return ids.map((id) => (id < FIRST_ADDED_ID ? String.fromCodePoint(id) : `[${spelling(id)}]`)).join('');
  }
}
