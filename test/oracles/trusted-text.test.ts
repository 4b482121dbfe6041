import { describe, expect, it } from 'vitest';
import type { AddedToken } from '../../server/src/model/description.js';
import { imagePiece, specialPiece, textPiece } from '../../server/src/reader/prompt/pieces.js';
import { trustedTextToPieces } from './trusted-text.js';

const token = (content: string, strip: Partial<AddedToken> = {}): AddedToken => ({
  id: 7,
  content,
  special: true,
  lstrip: false,
  rstrip: false,
  ...strip,
});

describe('trustedTextToPieces', () => {
  it('numbers the image markers in order', () => {
    expect(trustedTextToPieces('a<image><image>b', [])).toEqual([
      textPiece('a'),
      imagePiece(0),
      imagePiece(1),
      textPiece('b'),
    ]);
  });

  it('gives no pieces for an empty text', () => {
    expect(trustedTextToPieces('', [])).toEqual([]);
    expect(trustedTextToPieces('', [token('<s>')])).toEqual([]);
  });

  it('splits at spellings of added tokens, also side by side and at both ends', () => {
    expect(trustedTextToPieces('<s>a</s><s>', [token('<s>'), token('</s>')])).toEqual([
      specialPiece('<s>'),
      textPiece('a'),
      specialPiece('</s>'),
      specialPiece('<s>'),
    ]);
  });

  it('prefers the longest of several spellings that start at the same place', () => {
    expect(trustedTextToPieces('[PAD1]', [token('[PAD'), token('[PAD1]')])).toEqual([specialPiece('[PAD1]')]);
  });

  it('takes characters of a spelling literally, not as a pattern', () => {
    expect(trustedTextToPieces('a.b a+b|im', [token('a+b|im')])).toEqual([
      textPiece('a.b '),
      specialPiece('a+b|im'),
    ]);
  });

  it('finds the image marker before a token of the same spelling', () => {
    expect(trustedTextToPieces('<image>', [token('<image>')])).toEqual([imagePiece(0)]);
  });

  it('lets tokens swallow the white space on the side they strip', () => {
    expect(trustedTextToPieces('a <l> b', [token('<l>', { lstrip: true })])).toEqual([
      textPiece('a'),
      specialPiece('<l>'),
      textPiece(' b'),
    ]);
    expect(trustedTextToPieces('a <r> \n b', [token('<r>', { rstrip: true })])).toEqual([
      textPiece('a '),
      specialPiece('<r>'),
      textPiece('b'),
    ]);
    expect(
      trustedTextToPieces('<r>  <l>', [token('<r>', { rstrip: true }), token('<l>', { lstrip: true })]),
    ).toEqual([specialPiece('<r>'), specialPiece('<l>')]);
  });
});
