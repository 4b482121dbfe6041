import { expect, it } from 'vitest';
import { visibleRows } from './visible-rows.js';

it.each([
  [
    { scrollTop: 0, height: 500 },
    { first: 0, end: 18 },
  ],
  [
    { scrollTop: 5000, height: 500 },
    { first: 92, end: 118 },
  ],
  [
    { scrollTop: 49_500, height: 500 },
    { first: 982, end: 1000 },
  ],
  [
    { scrollTop: 90_000, height: 500 },
    { first: 1000, end: 1000 },
  ],
])('visibleRows at %j of a thousand rows of 50 pixels are %j', (place, range) =>
  expect(visibleRows(place, 50, 1000)).toEqual(range),
);
