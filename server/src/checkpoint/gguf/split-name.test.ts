import { describe, expect, it } from 'vitest';
import { parseSplitName, splitName } from './split-name.js';

describe('parseSplitName', () => {
  it('reads what gguf-split writes, and makes the names of the other files of it', () => {
    const split = parseSplitName('llava-Q4_0-00002-of-00012.gguf');
    expect(split).toEqual({ stem: 'llava-Q4_0', number: 2, count: 12 });
    expect(splitName(split!, 12)).toBe('llava-Q4_0-00012-of-00012.gguf');
  });

  it.each([
    'llava.gguf',
    '-00001-of-00002.gguf',
    'a-1-of-2.gguf',
    'a-00001-of-00002.GGUF',
    'a-00001-of-00002',
  ])('knows that %s is none', (name) => {
    expect(parseSplitName(name)).toBeUndefined();
  });
});
