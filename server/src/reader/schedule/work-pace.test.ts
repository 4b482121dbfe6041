import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unitsWithin, WorkPace, type MeasuredWork } from './work-pace.js';

/** More than WorkPace looks back on. */
const REMEMBERED = 32;
const PACE = { targetMs: 200, firstUnits: 64, minUnits: 8, maxUnits: 512 };
const recorded = readRecorded();
const linear = (fixedMs: number, perRowMs: number, ...sizes: number[]): MeasuredWork[] =>
  sizes.map((units) => ({ units, ms: fixedMs + perRowMs * units }));

/** Steps of a model whose times follow `cost`, each as large as the pace says, beside one row of a stream. */
function follow(cost: (rows: number) => number, count: number, known: MeasuredWork[] = []): MeasuredWork[] {
  const steps = [...known];
  for (let n = 0; n < count; n += 1) {
    const rows = unitsWithin(steps.slice(-REMEMBERED), PACE);
    steps.push({ units: rows, ms: cost(rows) });
  }
  return steps.slice(known.length);
}

describe('WorkPace', () => {
  it('forgets what it measured long ago', () => {
    const pace = new WorkPace();
    expect(pace.units(PACE)).toBe(64);
    for (let n = 0; n < 8; n += 1) pace.note({ units: 40, ms: 4000 }, 'large');
    expect(pace.units(PACE)).toBe(8);
    for (let n = 0; n < REMEMBERED; n += 1) pace.note({ units: 40, ms: 80 }, 'large');
    expect(pace.units(PACE)).toBe(80);
  });

  it('knows what rows of prompts take after a long answer, whose few rows cost nothing while weights are read', () => {
    const cost = (rows: number): number => Math.max(17, 5 + 2.2 * rows);
    const pace = new WorkPace();
    pace.note({ units: 300, ms: cost(300) }, 'large');
    for (let n = 0; n < 1000; n += 1) pace.note({ units: 1, ms: cost(1) }, 'small');
    pace.note({ units: 6, ms: cost(6) + 1 }, 'large');
    const rows = pace.units({ ...PACE, targetMs: 58 });
    expect(cost(rows)).toBeGreaterThan(40);
    expect(cost(rows)).toBeLessThan(75);
  });

  it('doubles rows at most where nothing like them was measured', () => {
    const pace = new WorkPace();
    for (let n = 0; n < 40; n += 1) pace.note({ units: 1, ms: 17 }, 'small');
    expect(pace.units(PACE)).toBe(8);
    pace.note({ units: 6, ms: 18 }, 'large');
    expect(pace.units(PACE)).toBe(12);
  });
});

describe('unitsWithin', () => {
  it('begins with as many units as it is told', () => {
    expect(unitsWithin([], PACE)).toBe(64);
    expect(unitsWithin([], { ...PACE, maxUnits: 20 })).toBe(20);
  });

  it('fits a fixed part and one for each row', () => {
    expect(unitsWithin(linear(50, 10, 1, 1, 64, 1), PACE)).toBe(15);
    expect(unitsWithin(linear(50, 2, 1, 40, 1), PACE)).toBe(75);
  });

  it('takes all as the rows of it where every step had as many, or where more rows took less time', () => {
    expect(unitsWithin(linear(0, 10, 64, 64), PACE)).toBe(20);
    expect(
      unitsWithin(
        [
          { units: 60, ms: 100 },
          { units: 20, ms: 300 },
        ],
        PACE,
      ),
    ).toBe(40);
  });

  it('keeps to its bounds: few rows on a slow machine, at most double the largest step on a fast one', () => {
    expect(unitsWithin(linear(900, 30, 1, 64), PACE)).toBe(8);
    expect(unitsWithin(linear(1, 0.01, 1, 100), PACE)).toBe(200);
    expect(unitsWithin(linear(1, 0.01, 1, 400), PACE)).toBe(512);
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
    const decode = Array.from({ length: 20 }, () => ({ units: 1, ms: cost(1) }));
    for (const { units: got } of follow(cost, 40, decode).slice(10)) {
      expect(got).toBeGreaterThanOrEqual(Math.floor(rows * 0.9));
      expect(got).toBeLessThanOrEqual(Math.ceil(rows * 1.1));
    }
  });

  it('follows a machine that becomes three times slower, and one that stalls once', () => {
    const quick = (rows: number) => 10 + 2 * rows;
    const before = follow(quick, REMEMBERED);
    const slow = follow((rows) => 3 * quick(rows), 2 * REMEMBERED, before);
    expect(slow.at(-1)?.ms).toBeGreaterThan(150);
    expect(slow.at(-1)?.ms).toBeLessThan(250);
    const stalled = follow(quick, 2 * REMEMBERED, [...before, { units: 90, ms: 5000 }]);
    expect(stalled.at(-1)?.ms).toBeGreaterThan(150);
  });

  it('says of recorded steps beside a stream how many rows they had by how long they took', () => {
    // From the third step with rows of a prompt on, which is the first that two amounts are known before.
    const judged = recorded.quiet.flatMap(({ units, ms }, step) => {
      const known = recorded.quiet.slice(Math.max(0, step - REMEMBERED), step);
      return units > 2 && known.filter((other) => other.units > 2).length >= 2
        ? [unitsWithin(known, { ...PACE, targetMs: ms, minUnits: 1 }) / units]
        : [];
    });
    expect(judged.length).toBeGreaterThan(40);
    const close = judged.filter((ratio) => ratio > 0.75 && ratio < 1.33);
    expect(close.length / judged.length).toBeGreaterThan(0.9);
  });

  it('keeps prompts going and within bounds on a recorded machine whose steps vary fortyfold', () => {
    const { busy } = recorded;
    const times = busy.map(({ ms }) => ms);
    expect(Math.max(...times) / Math.min(...times)).toBeGreaterThan(40);
    const most = Math.max(...busy.map(({ units }) => units));
    for (let step = 1; step <= busy.length; step += 1) {
      const rows = unitsWithin(busy.slice(Math.max(0, step - REMEMBERED), step), PACE);
      expect(rows).toBeGreaterThanOrEqual(PACE.minUnits);
      expect(rows).toBeLessThanOrEqual(Math.max(PACE.firstUnits, 2 * most));
    }
  });
});

function readRecorded(): { readonly quiet: readonly MeasuredWork[]; readonly busy: readonly MeasuredWork[] } {
  const url = new URL('recorded-steps.fixture.json', import.meta.url);
  const { quiet, busy } = JSON.parse(readFileSync(url, 'utf8')) as Record<
    'quiet' | 'busy',
    [number, number][]
  >;
  const work = (steps: readonly [number, number][]): MeasuredWork[] =>
    steps.map(([units, ms]) => ({ units, ms }));
  return { quiet: work(quiet), busy: work(busy) };
}
