import { describe, expect, it } from 'vitest';
import { exportText, parseKept, titleOf, type KeptConversation } from './kept-conversation.js';

const KEPT: KeptConversation = {
  id: 'a',
  changedMs: 1_700_000_000_000,
  imageName: 'cat.jpg',
  image: new Blob(['x']),
  turns: [{ question: 'What?', answer: 'A cat.', options: { samplingTopk: 4 } }],
};

describe('parseKept', () => {
  it('gives back what was kept', () => expect(parseKept({ ...KEPT })).toEqual(KEPT));

  it('leaves out turns that are none', () =>
    expect(parseKept({ ...KEPT, turns: [...KEPT.turns, { question: 7 }, null] })?.turns).toEqual(KEPT.turns));

  it.each([null, 'a', {}, { ...KEPT, image: 'no blob' }, { ...KEPT, changedMs: 'now' }])(
    'of something else is none',
    (value) => expect(parseKept(value)).toBeNull(),
  );
});

it('titleOf is the first question', () => {
  expect(titleOf(KEPT)).toBe('What?');
  expect(titleOf({ ...KEPT, turns: [] })).toBe('No question');
});

it('exportText has the questions, the answers, the settings and the image', () =>
  expect(JSON.parse(exportText([KEPT], new Map([['a', 'eA==']])))).toEqual({
    takeoff_conversations: 1,
    conversations: [
      {
        changed: '2023-11-14T22:13:20.000Z',
        image_name: 'cat.jpg',
        image_base64: 'eA==',
        turns: KEPT.turns,
      },
    ],
  }));
