import { describe, expect, it } from 'vitest';
import { CharacterTokenizer } from '../../../../test/oracles/character-tokenizer.js';
import type { TokenId } from '../ids.js';
import { encodePrompt } from './encode.js';
import { imagePiece, specialPiece, textPiece, type PromptPiece } from './pieces.js';

/** Items in one line: characters, `[token]` for added tokens, `{n}` for images. */
function show(
  pieces: readonly PromptPiece[],
  tokenizer = new CharacterTokenizer(),
  promptMaxTokens: number | null = null,
): string {
  return encodePrompt(pieces, tokenizer, promptMaxTokens)
    .items.map((item) => (item.kind === 'image' ? `{${item.image}}` : tokenizer.show([item.id])))
    .join('');
}

describe('encodePrompt', () => {
  it('puts the beginning-of-sequence token in front once and a space in front of each stretch between images', () => {
    expect(show([textPiece('a'), imagePiece(0), textPiece('b'), imagePiece(1), textPiece('c')])).toBe(
      '[<s>] a{0} b{1} c',
    );
  });

  it('gives only the beginning-of-sequence token for an empty prompt', () => {
    expect(show([])).toBe('[<s>]');
    expect(show([textPiece('')])).toBe('[<s>]');
  });

  it('adds no prefix where nothing stands beside an image', () => {
    expect(show([imagePiece(0), textPiece(''), imagePiece(1)])).toBe('[<s>]{0}{1}');
  });

  it('leaves the beginning-of-sequence token out when the model has none', () => {
    expect(show([textPiece('a')], new CharacterTokenizer({ addBos: false }))).toBe(' a');
    expect(show([textPiece('a')], new CharacterTokenizer({ bosId: null }))).toBe(' a');
  });

  it('drops white space beside a token that swallows it, as those of Phi-3 do', () => {
    const tokens = [
      { content: '<|user|>', rstrip: true },
      { content: '<|end|>', lstrip: true },
    ];
    const tokenizer = new CharacterTokenizer({}, tokens);
    const pieces = [
      specialPiece('<|user|>'),
      textPiece('\n'),
      textPiece(' Hi \n'),
      specialPiece('<|end|>'),
      textPiece('\n'),
    ];
    expect(show(pieces, tokenizer)).toBe('[<s>][<|user|>]Hi[<|end|>]\n');
    expect(show([specialPiece('<|user|>'), textPiece('\n')], tokenizer)).toBe('[<s>][<|user|>]');
  });

  it('adds no space for a vocabulary without a dummy prefix, legacy or not', () => {
    const pieces = [textPiece('a'), specialPiece('</s>'), textPiece('b')];
    expect(show(pieces, new CharacterTokenizer({ addSpacePrefix: false }))).toBe('[<s>]a[</s>]b');
    expect(show(pieces, new CharacterTokenizer({ addSpacePrefix: false, legacy: true }))).toBe(
      '[<s>]a[</s>]b',
    );
  });

  it('tokenises neighbouring texts as one, so that merges cross the border of template and user', () => {
    const calls: string[] = [];
    class Listening extends CharacterTokenizer {
      override encodePlain(text: string): TokenId[] {
        calls.push(text);
        return super.encodePlain(text);
      }
    }
    show(
      [textPiece('USER: '), textPiece(''), textPiece('Hi'), imagePiece(0), textPiece('!')],
      new Listening(),
    );
    expect(calls).toEqual([' USER: Hi', ' !']);
  });

  it('never turns text into a special token or an image slot', () => {
    const hostile = '<s></s><image><im_start>';
    const { items } = encodePrompt([textPiece(hostile)], new CharacterTokenizer({ addBos: false }));
    expect(items).toEqual(
      Array.from(` ${hostile}`, (character) => ({ kind: 'token', id: character.codePointAt(0) })),
    );
  });

  it('reads a special token that the vocabulary lacks as text', () => {
    expect(show([textPiece('a'), specialPiece('<|im_end|>'), textPiece('b')])).toBe('[<s>] a<|im_end|>b');
  });

  describe('with legacy off', () => {
    it('adds no prefix after a token inside a stretch', () => {
      expect(show([textPiece('a'), specialPiece('</s>'), textPiece('b')])).toBe('[<s>] a[</s>]b');
    });

    it('drops the prefix of a stretch that starts with a special token', () => {
      expect(show([specialPiece('</s>'), textPiece('b'), imagePiece(0), specialPiece('</s>')])).toBe(
        '[<s>][</s>]b{0}[</s>]',
      );
    });

    it('keeps the prefix of a stretch that starts with an added token that is not special', () => {
      const tokenizer = new CharacterTokenizer({}, [{ content: '<|im_start|>', special: false }]);
      expect(show([specialPiece('<|im_start|>'), textPiece('user')], tokenizer)).toBe(
        '[<s>] [<|im_start|>]user',
      );
    });
  });

  describe('with legacy on', () => {
    it('adds a prefix to every text, also after a token', () => {
      const tokenizer = new CharacterTokenizer({ legacy: true });
      expect(
        show([specialPiece('</s>'), textPiece('a'), specialPiece('</s>'), textPiece('b')], tokenizer),
      ).toBe('[<s>][</s>] a[</s>] b');
    });

    it('adds no prefix in front of a token, special or not', () => {
      const tokenizer = new CharacterTokenizer({ legacy: true }, [
        { content: '<|im_start|>', special: false },
      ]);
      expect(show([specialPiece('<|im_start|>')], tokenizer)).toBe('[<s>][<|im_start|>]');
    });
  });

  describe('for a model that removes extra white space', () => {
    const removing = (legacy: boolean) => new CharacterTokenizer({ removesExtraWhitespace: true, legacy });

    it.each([true, false])('drops blanks at both ends and joins runs of them, legacy %s', (legacy) => {
      expect(show([textPiece('  a  b\n c   ')], removing(legacy))).toBe('[<s>] a b\n c');
      expect(show([textPiece('a '), textPiece(' b'), imagePiece(0), textPiece(' ')], removing(legacy))).toBe(
        '[<s>] a b{0}',
      );
    });

    it.each([true, false])('gives nothing, not even a prefix, for blanks alone, legacy %s', (legacy) => {
      expect(show([textPiece('  '), imagePiece(0), textPiece(' ▁ ')], removing(legacy))).toBe('[<s>]{0}');
    });

    it('drops a typed blank symbol at the end only', () => {
      expect(show([textPiece(' ▁a▁ b▁ ')], removing(true))).toBe('[<s>] ▁a▁ b');
    });

    it('keeps one blank after a token where the tokenizer is not legacy', () => {
      const pieces = [specialPiece('</s>'), textPiece('  a '), specialPiece('</s>'), textPiece('b')];
      expect(show(pieces, removing(false))).toBe('[<s>][</s>] a[</s>]b');
      expect(show(pieces, removing(true))).toBe('[<s>][</s>] a[</s>] b');
    });

    it('looks once at a long run of typed blank symbols', () => {
      // Time of the processor, which a busy machine gives to others meanwhile.
      const started = process.cpuUsage();
      show([textPiece(`${'▁'.repeat(50_000)}a`)], removing(true));
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1000).toBeLessThan(2_000);
    });
  });

  describe('with promptMaxTokens', () => {
    const pieces = [textPiece('ab'), imagePiece(0), textPiece('cd'), imagePiece(1)];

    it('keeps the first tokens, the beginning-of-sequence token among them, and every image', () => {
      expect(show(pieces, undefined, 1)).toBe('[<s>]{0}{1}');
      expect(show(pieces, undefined, 3)).toBe('[<s>] a{0}{1}');
      expect(show(pieces, undefined, 6)).toBe('[<s>] ab{0} c{1}');
    });

    it('changes nothing for a prompt that is short enough', () => {
      expect(show(pieces, undefined, 7)).toBe(show(pieces));
      expect(show(pieces, undefined, 7)).toBe('[<s>] ab{0} cd{1}');
    });
  });
});
