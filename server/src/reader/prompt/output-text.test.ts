import { describe, expect, it } from 'vitest';
import { BOS, CharacterTokenizer } from '../../../../test/oracles/character-tokenizer.js';
import { Random } from '../../../../harness/random.js';
import { toTokenId, type TokenId } from '../ids.js';
import { OutputText } from './output-text.js';
import type { Tokenizer } from './tokenizer.js';

function print(tokenizer: Tokenizer, tokens: readonly TokenId[], stops: readonly string[] = []): string[] {
  const output = new OutputText(tokenizer, stops);
  return [...tokens.map((token) => output.push(token).text), output.finish().text];
}
const ids = (text: string): TokenId[] => Array.from(text, (character) => character.codePointAt(0) as TokenId);

/** Every token is one byte. */
const BYTES: Tokenizer = {
  settings: new CharacterTokenizer({ addSpacePrefix: false }).settings,
  encodePlain: (text) => [...new TextEncoder().encode(text)].map(toTokenId),
  pieceBytes: (token) => Uint8Array.of(token),
  spelling: (token) => String.fromCharCode(token),
};

describe('OutputText', () => {
  it('drops exactly one leading space where the tokenizer adds a dummy prefix', () => {
    expect(print(new CharacterTokenizer(), ids('  a b')).join('')).toBe(' a b');
  });

  it('drops the space of every token before the first character of a model that removes extra white space', () => {
    const removing = { removesExtraWhitespace: true };
    expect(print(new CharacterTokenizer(removing), ids('   a  b')).join('')).toBe('a  b');
    expect(print(new CharacterTokenizer({ ...removing, addSpacePrefix: false }), ids('  a')).join('')).toBe(
      'a',
    );
  });

  it('drops no space that is not the first character', () => {
    expect(print(new CharacterTokenizer(), ids('a b')).join('')).toBe('a b');
  });

  it('drops the space of the first text after a special token', () => {
    expect(print(new CharacterTokenizer(), [BOS, ...ids(' a')]).join('')).toBe('a');
  });

  it('keeps the leading space of vocabularies without a dummy prefix', () => {
    expect(print(new CharacterTokenizer({ addSpacePrefix: false }), ids(' a')).join('')).toBe(' a');
    expect(print(new CharacterTokenizer({ kind: 'bpe' }), ids(' a')).join('')).toBe(' a');
  });

  it('prints nothing for special tokens and the spelling of other added tokens', () => {
    const tokenizer = new CharacterTokenizer({}, [{ content: '<|im_end|>', special: false }]);
    expect(print(tokenizer, [...ids('a'), BOS, toTokenId(BOS + 2), ...ids('b')]).join('')).toBe(
      'a<|im_end|>b',
    );
  });

  it('prints a character when its last byte has come and what is missing at the end as U+FFFD', () => {
    expect(print(BYTES, [0xc3, 0xa9, 0xe6, 0x97].map(toTokenId))).toEqual(['', 'é', '', '', '\uFFFD\uFFFD']);
  });

  it('ends at a stop string that several tokens spell, and says so', () => {
    const output = new OutputText(new CharacterTokenizer(), ['###']);
    const results = ids(' Yes.###Human').map((token) => output.push(token));
    expect(results.map(({ text }) => text).join('')).toBe('Yes.');
    expect(results.findIndex(({ isStopped }) => isStopped)).toBe(' Yes.###'.length - 1);
    expect(output.finish().text).toBe('');
  });

  it('gives held back text in finish when no stop string came of it', () => {
    expect(print(new CharacterTokenizer(), ids('a##'), ['###'])).toEqual(['a', '', '', '##']);
  });

  it('puts together the same text for any chunks of random bytes', () => {
    const random = new Random(5);
    for (let round = 0; round < 200; round += 1) {
      const bytes = Array.from({ length: random.below(40) }, () => random.below(256));
      const chunks = print(BYTES, bytes.map(toTokenId), ['ab', '\n\n']);
      const whole = new OutputText({ ...BYTES, pieceBytes: () => Uint8Array.from(bytes) }, ['ab', '\n\n']);
      expect(chunks.join('')).toBe(whole.push(toTokenId(0)).text + whole.finish().text);
    }
  });
});
