import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sentencePieceBytes, testPieces } from '../fixtures/sentencepiece-writer.fixture.js';
import { parseSentencePiece, PIECE_TYPE } from './sentencepiece.js';

const GOLDEN = fileURLToPath(
  new URL('../../../../test/goldens/v15-llama-pad/checkpoint/tokenizer.model', import.meta.url),
);

describe('parseSentencePiece', () => {
  it('reads a model that SentencePiece wrote: pieces, scores, types and flags', () => {
    const model = parseSentencePiece(readFileSync(GOLDEN), 'tokenizer.model');
    expect(model.pieces).toHaveLength(1000);
    expect(model.pieces.slice(0, 4)).toEqual([
      { text: '<unk>', score: 0, type: PIECE_TYPE.unknown },
      { text: '<s>', score: 0, type: PIECE_TYPE.control },
      { text: '</s>', score: 0, type: PIECE_TYPE.control },
      { text: '<0x00>', score: 0, type: PIECE_TYPE.byte },
    ]);
    expect(model.pieces[259]).toEqual({
      text: expect.any(String) as unknown,
      score: -0,
      type: PIECE_TYPE.normal,
    });
    expect(model).toMatchObject({
      addsDummyPrefix: true,
      removesExtraWhitespace: false,
      normalizesCharacters: false,
    });
  });

  it('reads what the tests themselves write, unknown fields skipped', () => {
    const model = parseSentencePiece(sentencePieceBytes(testPieces(5)), 'm');
    expect(model.pieces.map((piece) => piece.text)).toEqual(['<unk>', '<s>', '</s>', '▁p3', '▁p4']);
    expect(model.pieces[4]?.score).toBe(-4);
  });

  it('refuses unigram models, which merge differently', () => {
    expect(() => parseSentencePiece(sentencePieceBytes(testPieces(5), 1), 'm')).toThrow('byte-pair');
  });

  it.each([
    ['no bytes', [], 'no pieces'],
    ['a length past the end', [0x0a, 0x7f, 1], 'leaves'],
    ['an endless number', [0x08, ...new Array<number>(11).fill(0xff)], 'longer than 10 bytes'],
    ['a group', [0x0b], 'wire type 3'],
    ['field number 0', [0x00, 0x00], 'number 0'],
    ['a piece that is a number', [0x08, 5], 'Field 1 is a number'],
    ['a piece without text', [0x0a, 2, 0x18, 1], 'lacks its text'],
    ['a piece of type 9', [0x0a, 5, 0x0a, 1, 0x61, 0x18, 9], 'type that does not exist'],
    ['a score that is no number', [0x0a, 8, 0x0a, 1, 0x61, 0x15, 0, 0, 0xc0, 0x7f], 'score'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => parseSentencePiece(Uint8Array.from(bytes), 'm')).toThrow(reason);
  });
});
