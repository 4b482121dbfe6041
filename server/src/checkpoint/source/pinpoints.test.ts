import { describe, expect, it } from 'vitest';
import { parsePinpoints } from './pinpoints.js';

const OFFICIAL = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
];

describe('parsePinpoints', () => {
  it.each([
    ['a list', OFFICIAL],
    ['text with a Python list of lists', '[[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]'],
    ['text with a Python list of tuples', '[(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)]'],
    ['text with a tuple and a trailing comma', '((336,672),(672,336),(672,672),(1008,336),(336,1008),)'],
  ])('reads %s in its order', (_, value) => {
    expect(parsePinpoints(value as string, 336, 'config.json')).toEqual(OFFICIAL);
  });

  it('expands the grid shorthand of LLaVA-NeXT', () => {
    expect(parsePinpoints('(1x1),...,(2x2)', 336, 'f')).toEqual([
      [336, 336],
      [336, 672],
      [672, 336],
      [672, 672],
    ]);
  });

  it.each([
    ['__import__("os").system("x")'],
    ['[[336, 672]'],
    ['[336, 672]'],
    ['[[336, 672, 1]]'],
    ['[[336.5, 672]]'],
    ['[]'],
    [''],
  ])('refuses the text %s', (text) => {
    expect(() => parsePinpoints(text, 336, 'config.json')).toThrow('image_grid_pinpoints');
  });

  it('refuses sizes that are no whole tiles', () => {
    expect(() => parsePinpoints([[336, 500]], 336, 'f')).toThrow('multiples of the tile');
    expect(() => parsePinpoints([[0, 336]], 336, 'f')).toThrow('multiples of the tile');
  });

  it('reads a hostile text of many brackets in no time', () => {
    // Of the processor, which a busy machine gives to others meanwhile.
    const started = process.cpuUsage();
    expect(() => parsePinpoints('['.repeat(2000) + '1,2'.repeat(300), 336, 'f')).toThrow();
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(500);
  });
});
