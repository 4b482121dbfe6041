import { describe, expect, it } from 'vitest';
import { alignedLines, bytesText } from './terminal.js';

describe('alignedLines', () => {
  it('aligns the values in a column', () => {
    expect(
      alignedLines([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('a     1\nlong  2\n');
    expect(alignedLines([])).toBe('');
  });
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
