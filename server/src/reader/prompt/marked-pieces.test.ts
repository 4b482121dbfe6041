import { describe, expect, it } from 'vitest';
import { MarkedText } from './jinja/marked-text.js';
import { MarkedPieces } from './marked-pieces.js';
import { specialPiece, textPiece } from './pieces.js';

describe('MarkedPieces', () => {
  it('takes the longer of two spellings where one begins with the other', () => {
    const added = ['<a>', '<a><b>'].map((content, id) => ({
      id,
      content,
      special: true,
      lstrip: false,
      rstrip: false,
    }));
    const { pieces } = new MarkedPieces(added, false).split(MarkedText.of('<a><b>x<a>', 'template'), []);
    expect(pieces).toEqual([specialPiece('<a><b>'), textPiece('x'), specialPiece('<a>')]);
  });
});
