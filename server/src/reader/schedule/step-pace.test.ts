import { describe, expect, it } from 'vitest';
import { REMEMBERED_STEPS, rowsWithin, type MeasuredStep } from './step-pace.js';

const PACE = { targetMs: 200, minRows: 8, maxRows: 512 };
const linear = (fixedMs: number, perRowMs: number, ...sizes: number[]): MeasuredStep[] =>
  sizes.map((rows) => ({ rows, ms: fixedMs + perRowMs * rows }));

/** Steps of a model whose times follow `cost`, each as large as the pace says, beside one row of a stream. */
function follow(cost: (rows: number) => number, count: number, known: MeasuredStep[] = []): MeasuredStep[] {
  const steps = [...known];
  for (let n = 0; n < count; n += 1) {
    const rows = rowsWithin(steps.slice(-REMEMBERED_STEPS), PACE);
    steps.push({ rows, ms: cost(rows) });
  }
  return steps.slice(known.length);
}

describe('rowsWithin', () => {
  it('begins with 64 rows', () => {
    expect(rowsWithin([], PACE)).toBe(64);
    expect(rowsWithin([], { ...PACE, maxRows: 20 })).toBe(20);
  });

  it('fits a fixed part and one for each row', () => {
    expect(rowsWithin(linear(50, 10, 1, 1, 64, 1), PACE)).toBe(15);
    expect(rowsWithin(linear(50, 2, 1, 40, 1), PACE)).toBe(75);
  });

  it('takes all as the rows of it where every step had as many, or where more rows took less time', () => {
    expect(rowsWithin(linear(0, 10, 64, 64), PACE)).toBe(20);
    expect(
      rowsWithin(
        [
          { rows: 60, ms: 100 },
          { rows: 20, ms: 300 },
        ],
        PACE,
      ),
    ).toBe(40);
  });

  it('keeps to its bounds: few rows on a slow machine, at most double the largest step on a fast one', () => {
    expect(rowsWithin(linear(900, 30, 1, 64), PACE)).toBe(8);
    expect(rowsWithin(linear(1, 0.01, 1, 100), PACE)).toBe(200);
    expect(rowsWithin(linear(1, 0.01, 1, 400), PACE)).toBe(512);
  });

  it.each([
    { name: '1 B on two cores', cost: (rows: number) => 53 + 10.7 * rows, rows: 13 },
    {
      name: '7 B on two cores, where even the fixed part is too much',
      cost: (rows: number) => 285 + 64 * rows,
      rows: 8,
    },
    { name: 'a tiny model', cost: (rows: number) => 0.4 + 0.15 * rows, rows: 512 },
  ])('comes to the target within ten steps and stays there: $name', ({ cost, rows }) => {
    const decode = Array.from({ length: 20 }, () => ({ rows: 1, ms: cost(1) }));
    for (const { rows: got } of follow(cost, 40, decode).slice(10)) {
      expect(got).toBeGreaterThanOrEqual(Math.floor(rows * 0.9));
      expect(got).toBeLessThanOrEqual(Math.ceil(rows * 1.1));
    }
  });

  it('follows a machine that becomes three times slower, and one that stalls once', () => {
    const quick = (rows: number) => 10 + 2 * rows;
    const before = follow(quick, REMEMBERED_STEPS);
    const slow = follow((rows) => 3 * quick(rows), 2 * REMEMBERED_STEPS, before);
    expect(slow.at(-1)?.ms).toBeGreaterThan(150);
    expect(slow.at(-1)?.ms).toBeLessThan(250);
    const stalled = follow(quick, 2 * REMEMBERED_STEPS, [...before, { rows: 90, ms: 5000 }]);
    expect(stalled.at(-1)?.ms).toBeGreaterThan(150);
  });
});
