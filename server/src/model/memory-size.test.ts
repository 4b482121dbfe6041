import { describe, expect, it } from 'vitest';
import { bytesOf, parseMemorySize } from './memory-size.js';

describe('parseMemorySize', () => {
  it.each([
    ['4096', 4096],
    ['512MB', 512 * 2 ** 20],
    ['5GB', 5 * 2 ** 30],
    ['1.5 gib', 1.5 * 2 ** 30],
    ['40%', '40%'],
    ['2.5%', '2.5%'],
  ])('reads %s', (text, size) => {
    expect(parseMemorySize(text)).toBe(size);
  });

  it.each(['', 'much', '-1', '0', '5 PB', '5G B', '%', '4000%', '1e9', '∞'])('refuses %s', (text) => {
    expect(parseMemorySize(text)).toBeUndefined();
  });
});

it('bytesOf takes a share of the free memory', () => {
  expect(bytesOf('40%', 1000)).toBe(400);
  expect(bytesOf(300, 1000)).toBe(300);
});
