import { describe, expect, it } from 'vitest';
import { Random } from '../../../../harness/random.js';
import { StopStrings } from './stop-strings.js';

function cut(stops: readonly string[], chunks: readonly string[]): { chunks: string[]; isStopped: boolean } {
  const filter = new StopStrings(stops);
  const results = chunks.map((chunk) => filter.push(chunk));
  const isStopped = results.some((result) => result.isStopped);
  return { chunks: [...results.map(({ text }) => text), filter.finish()], isStopped };
}

describe('StopStrings', () => {
  it('passes everything on at once when there is nothing to stop at', () => {
    expect(cut([], ['a', '#b'])).toEqual({ chunks: ['a', '#b', ''], isStopped: false });
    expect(cut([''], ['a'])).toEqual({ chunks: ['a', ''], isStopped: false });
  });

  it('cuts at the stop string and gives nothing after it', () => {
    expect(cut(['###'], ['ab###Human', ': more'])).toEqual({ chunks: ['ab', '', ''], isStopped: true });
  });

  it('finds a stop string that comes in pieces, and holds back only its beginning', () => {
    expect(cut(['###'], ['a#', '#', '#b'])).toEqual({ chunks: ['a', '', '', ''], isStopped: true });
  });

  it('gives back what only looked like a stop string', () => {
    expect(cut(['###'], ['a##', 'b'])).toEqual({ chunks: ['a', '##b', ''], isStopped: false });
    expect(cut(['###'], ['a##'])).toEqual({ chunks: ['a', '##'], isStopped: false });
  });

  it('finds a stop string whose beginning repeats itself', () => {
    expect(cut(['aab'], ['a', 'a', 'a', 'b'])).toEqual({ chunks: ['', '', 'a', '', ''], isStopped: true });
  });

  it('gives the same text for every way of cutting it', () => {
    const random = new Random(3);
    const stops = ['abc', 'bb', 'cabca'];
    for (let round = 0; round < 500; round += 1) {
      const characters = Array.from({ length: random.below(25) }, () => random.pick(['a', 'b', 'c', 'd']));
      const whole = cut(stops, [characters.join('')]);
      const pieces = cut(
        stops,
        random.chunks(characters, 3).map((chunk) => chunk.join('')),
      );
      expect(pieces.chunks.join('')).toBe(whole.chunks.join(''));
      expect(pieces.isStopped).toBe(whole.isStopped);
      for (const stop of stops) expect(whole.chunks.join('')).not.toContain(stop);
    }
  });
});
