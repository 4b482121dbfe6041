import { describe, expect, it } from 'vitest';
import { bytesOf, bytesText, parseMemorySize } from './memory-size.js';

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

describe('bytesText', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1.0 GiB'],
    [5000 * 1024 ** 4, '5000.0 TiB'],
  ])('writes %i as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));
});
