import { expect, it } from 'vitest';
import { parseCount } from './parse-count.js';

it.each([
  [
    { count: { prompt_tokens: 70, image_tokens: 64, fits: true, max_answer_tokens: 9 }, context_tokens: 79 },
    { imageTokens: 64, fits: true },
  ],
  [{ count: { image_tokens: 2880, fits: false } }, { imageTokens: 2880, fits: false }],
  [{ count: [{ image_tokens: 64, fits: true }] }, null],
  [{ count: { image_tokens: '64', fits: true } }, null],
  [{ image_tokens: 64, fits: true }, null],
  [[], null],
  [undefined, null],
])('parseCount of %j is %j', (body, count) => expect(parseCount(body)).toEqual(count));
