import { expect, it } from 'vitest';
import { countOf, formatBytes, formatMs } from './format.js';

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [10_059, '10 KiB'],
  [5_000_000, '4.8 MiB'],
])('formatBytes of %i is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [12.4, '12 ms'],
  [1234, '1.2 s'],
  [61_000, '1 min 1 s'],
])('formatMs of %i is %s', (ms, text) => expect(formatMs(ms)).toBe(text));

it('countOf has the plural where there is not one', () => {
  expect(countOf(1, 'image')).toBe('1 image');
  expect(countOf(0, 'image')).toBe('0 images');
});
