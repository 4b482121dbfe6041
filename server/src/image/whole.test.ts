import { describe, expect, it } from 'vitest';
import { wholeSize } from './whole.js';

describe('the size of a whole image', () => {
  it.each([
    [640, 480, 640, 480],
    [1000, 1000, 1000, 1000],
    [2000, 2000, 1000, 1000],
    [4000, 1000, 2000, 500],
    [1000, 4000, 500, 2000],
    [5_000_000, 1, 1_000_000, 1],
  ])('makes %i × %i pixels %i × %i where a million are allowed', (widthPx, heightPx, width, height) => {
    expect(wholeSize({ widthPx, heightPx }, 1_000_000)).toEqual({ widthPx: width, heightPx: height });
  });

  it('never has more pixels than allowed, nor a side of none', () => {
    for (let widthPx = 1; widthPx < 200; widthPx += 7)
      for (let heightPx = 1; heightPx < 200; heightPx += 11)
        for (const maxPixels of [1, 2, 50, 1000]) {
          const size = wholeSize({ widthPx, heightPx }, maxPixels);
          expect(size.widthPx * size.heightPx).toBeLessThanOrEqual(maxPixels);
          expect(Math.min(size.widthPx, size.heightPx)).toBeGreaterThanOrEqual(1);
        }
  });
});
