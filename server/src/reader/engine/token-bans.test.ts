import { describe, expect, it } from 'vitest';
import { TokenBans } from './token-bans.js';

const settings = { tokenCount: 6, endTokens: [2], minNewTokens: 0, noRepeatNgramSize: 0 };
/** Of a vocabulary with two rows that the tokenizer does not know. */
const banned = (bans: TokenBans): number[] => {
  const { from, tokens } = bans.next();
  return Array.from({ length: 8 }, (_, token) => token).filter(
    (token) => token >= from || tokens.includes(token),
  );
};

describe('TokenBans', () => {
  it('bans ids that the tokenizer does not know', () => {
    expect(banned(new TokenBans(settings))).toEqual([6, 7]);
  });

  it('bans end tokens until min_new_tokens tokens were generated', () => {
    const bans = new TokenBans({ ...settings, minNewTokens: 2 });
    bans.accept(3);
    expect(banned(bans)).toEqual([2, 6, 7]);
    bans.accept(3);
    expect(banned(bans)).toEqual([6, 7]);
  });

  it('bans the token that would repeat a trigram', () => {
    const bans = new TokenBans({ ...settings, noRepeatNgramSize: 3 });
    for (const token of [1, 3, 5, 4, 1, 3]) bans.accept(token);
    expect(banned(bans)).toEqual([5, 6, 7]);
  });

  it('with size 1 bans every token that was generated', () => {
    const bans = new TokenBans({ ...settings, noRepeatNgramSize: 1 });
    for (const token of [1, 4]) bans.accept(token);
    expect(banned(bans)).toEqual([1, 4, 6, 7]);
  });
});
