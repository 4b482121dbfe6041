import { describe, expect, it } from 'vitest';
import { alignedLines } from './terminal.js';

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
