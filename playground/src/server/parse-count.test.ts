import { expect, it } from 'vitest';
import { parseCount } from './parse-count.js';

it.each([
  [
    { prompt_tokens: 70, image_tokens: 64, fits: true },
    { imageTokens: 64, fits: true },
  ],
  [
    { image_tokens: [2880], fits: [false] },
    { imageTokens: 2880, fits: false },
  ],
  [{ image_tokens: 64 }, { imageTokens: 64, fits: true }],
  [{ image_tokens: '64' }, null],
  [[], null],
  [undefined, null],
])('parseCount of %j is %j', (body, count) => expect(parseCount(body)).toEqual(count));
