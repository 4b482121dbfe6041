import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromSentencePiece } from './base-vocabulary.js';
import { parseSentencePiece, PIECE_TYPE } from './sentencepiece.js';
import { parseTokenizerJson } from './tokenizer-json.js';

const golden = (name: string) =>
  readFileSync(
    fileURLToPath(new URL(`../../../../test/goldens/v16-mistral-anyres/checkpoint/${name}`, import.meta.url)),
  );
const parse = (value: unknown) => parseTokenizerJson(Buffer.from(JSON.stringify(value)), 'tokenizer.json');

const LLAMA_3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const byteLevel = (pattern: string) => ({
  added_tokens: [{ id: 3, content: '<|begin_of_text|>', special: true }],
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex: pattern } }, { type: 'ByteLevel' }],
  },
  post_processor: {
    type: 'Sequence',
    processors: [
      { type: 'ByteLevel' },
      {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<|begin_of_text|>' } }, { Sequence: { id: 'A' } }],
      },
    ],
  },
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
});

describe('parseTokenizerJson', () => {
  it('gives the vocabulary of tokenizer.model for a SentencePiece model that was rewritten as BPE', () => {
    const fromJson = parseTokenizerJson(golden('tokenizer.json'), 'tokenizer.json');
    const fromModel = fromSentencePiece(parseSentencePiece(golden('tokenizer.model'), 'm'), 'm');
    const plain = (base: typeof fromJson) => base.pieces.map((piece) => [piece?.text, piece?.type]);
    expect(plain(fromJson)).toEqual(plain(fromModel));
    expect(fromJson).toMatchObject({ kind: 'sentencepiece', addsDummyPrefix: true, addsBosByDefault: true });
    expect(fromJson.own.map((token) => token.content)).toEqual(['<unk>', '<s>', '</s>']);
  });

  it('orders merged pieces as the scores of tokenizer.model do', () => {
    const fromJson = parseTokenizerJson(golden('tokenizer.json'), 'tokenizer.json');
    const fromModel = parseSentencePiece(golden('tokenizer.model'), 'm');
    const order = (pieces: readonly ({ text: string; score: number; type: number } | undefined)[]) =>
      pieces
        .flatMap((piece) =>
          piece?.type === PIECE_TYPE.normal && Array.from(piece.text).length > 1 ? [piece] : [],
        )
        .sort((a, b) => b.score - a.score)
        .map((piece) => piece.text);
    expect(order(fromJson.pieces)).toEqual(order(fromModel.pieces));
  });

  it("reads Llama 3's byte-level BPE with its merges", () => {
    expect(parse(byteLevel(LLAMA_3_PATTERN))).toMatchObject({
      kind: 'bpe',
      pre: 'llama-bpe',
      merges: ['a b'],
      addsDummyPrefix: false,
      addsBosByDefault: true,
      own: [{ id: 3, content: '<|begin_of_text|>', special: true }],
    });
  });

  it('reads merges that are pairs, and Metaspace in place of a normaliser', () => {
    const base = parse({
      pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'first' },
      model: {
        type: 'BPE',
        byte_fallback: true,
        unk_token: '?',
        vocab: { '?': 0, a: 1, b: 2, ab: 4 },
        merges: [['a', 'b']],
      },
    });
    expect(Array.from(base.pieces, (piece) => [piece?.text, piece?.score, piece?.type])).toEqual([
      ['?', -1, PIECE_TYPE.unknown],
      ['a', -2, PIECE_TYPE.normal],
      ['b', -3, PIECE_TYPE.normal],
      [undefined, undefined, undefined],
      ['ab', 0, PIECE_TYPE.normal],
    ]);
    expect([base.addsDummyPrefix, base.addsBosByDefault, base.merges]).toEqual([true, false, null]);
  });

  it('refuses other models and other ways of cutting text', () => {
    expect(() => parse(byteLevel('\\w+'))).toThrow('not known here');
    expect(() => parse({ model: { type: 'Unigram', vocab: {}, merges: [] } })).toThrow('Unigram');
    expect(() => parse({ model: { type: 'BPE', vocab: { a: -1 }, merges: [] } })).toThrow('has id -1');
    expect(() =>
      parse({ model: { type: 'BPE', byte_fallback: true, vocab: { a: 7, b: 7 }, merges: [] } }),
    ).toThrow('has id 7, which is taken');
    expect(() =>
      parse({ model: { type: 'BPE', byte_fallback: true, vocab: { a: 2 ** 30 }, merges: [] } }),
    ).toThrow('absurd');
    expect(() =>
      parse({ model: { type: 'BPE', byte_fallback: true, vocab: { a: 0 }, merges: [['a']] } }),
    ).toThrow('expected two pieces');
  });
});
