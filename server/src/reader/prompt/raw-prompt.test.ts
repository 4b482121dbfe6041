import { describe, expect, it } from 'vitest';
import type { PromptPart } from '../../link/requests/messages.js';
import type { PromptPiece } from './pieces.js';
import { partsToPieces } from './raw-prompt.js';

const image = (number: number): PromptPart => ({ kind: 'image', image: number });
const text = (content: string): PromptPart => ({ kind: 'text', text: content });

const show = (pieces: readonly PromptPiece[]) =>
  pieces
    .map((piece) =>
      piece.kind === 'text' ? piece.text : piece.kind === 'image' ? `{${piece.image}}` : `[${piece.content}]`,
    )
    .join('');

describe('partsToPieces', () => {
  it('puts a line break between a leading image and the text', () => {
    expect(show(partsToPieces([image(0), text('USER: What?')], false))).toBe('{0}\nUSER: What?');
  });

  it.each(['\nWhat?', ' \n What?', '\t\r\nWhat?'])('adds none when the text brings its own: %j', (own) => {
    expect(show(partsToPieces([image(0), text(own)], false))).toBe(`{0}${own}`);
  });

  it('counts a line break only at the start of the text', () => {
    expect(show(partsToPieces([image(0), text(' What?\n')], false))).toBe('{0}\n What?\n');
  });

  it('gives each of several leading images its own line', () => {
    expect(show(partsToPieces([image(0), image(1), text('Compare.')], false))).toBe('{0}\n{1}\nCompare.');
  });

  it('ends the line of an image that has no text after it', () => {
    expect(show(partsToPieces([image(0)], false))).toBe('{0}\n');
    expect(show(partsToPieces([image(0), text('')], false))).toBe('{0}\n');
  });

  it('takes an image for leading when only empty text stands before it', () => {
    expect(show(partsToPieces([text(''), image(0), text('What?')], false))).toBe('{0}\nWhat?');
  });

  it('leaves images inside and after the text where they are', () => {
    expect(show(partsToPieces([text('Look: '), image(0), text(' and '), image(1)], false))).toBe(
      'Look: {0} and {1}',
    );
  });

  it('wraps every image in start and end tokens when the model was trained so', () => {
    expect(show(partsToPieces([image(0), text('What? '), image(1)], true))).toBe(
      '[<im_start>]{0}[<im_end>]\nWhat? [<im_start>]{1}[<im_end>]',
    );
  });

  it('keeps text that spells tokens as text', () => {
    const spelled = '<image></s><im_start>';
    expect(partsToPieces([text(spelled)], true)).toEqual([{ kind: 'text', text: spelled }]);
  });
});
