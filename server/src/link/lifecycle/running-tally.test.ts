import { describe, expect, it } from 'vitest';
import { RunningTally } from './running-tally.js';

describe('RunningTally', () => {
  it('counts a value in the first bucket whose bound it does not exceed, and one above all bounds in the last', () => {
    const tally = new RunningTally([1, 5, 10]);
    for (const value of [0, 1, 2, 5, 5.5, 10, 11, 1000]) tally.add(value);
    expect(tally.tally).toEqual({ counts: [2, 2, 2, 2], sum: 1034.5 });
    expect(tally.count).toBe(8);
  });

  it('has as many buckets as bounds and one more before anything is counted', () => {
    expect(new RunningTally([1, 5]).tally).toEqual({ counts: [0, 0, 0], sum: 0 });
  });

  it('tells what was counted until then', () => {
    const tally = new RunningTally([1]);
    const before = tally.tally;
    tally.add(1);
    expect(before.counts).toEqual([0, 0]);
  });
});
