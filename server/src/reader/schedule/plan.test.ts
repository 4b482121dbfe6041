import { describe, expect, it } from 'vitest';
import { toSlot } from '../ids.js';
import { planStep, type RunningSequence } from './plan.js';

const budget = { maxRows: 16, maxPrefillRows: 16, maxRowsBesideDecode: 5, rowGroup: 1 };
/** Decoding where no rows are given. */
const seq = (slot: number, rowsReady?: number): RunningSequence =>
  rowsReady === undefined
    ? { slot: toSlot(slot), adapter: null, kind: 'decode' }
    : { slot: toSlot(slot), adapter: null, kind: 'prefill', rowsReady };

describe('planStep', () => {
  it.each([
    { name: 'plans nothing while nothing runs', running: [], decode: [], prefill: [] },
    { name: 'fills the whole step with one prompt', running: [seq(1, 40)], decode: [], prefill: [[1, 16]] },
    {
      name: 'gives the rows that a short prompt leaves to the next one',
      running: [seq(1, 5), seq(2, 40)],
      decode: [],
      prefill: [
        [1, 5],
        [2, 11],
      ],
    },
    {
      name: 'puts decode rows first and cuts the share of prompts beside them',
      running: [seq(1, 40), seq(2)],
      decode: [2],
      prefill: [[1, 4]],
    },
    {
      name: 'gives no rows to a prompt whose next image is not there',
      running: [seq(1, 0), seq(2, 5)],
      decode: [],
      prefill: [[2, 5]],
    },
    {
      name: 'serves prompts in order of admission',
      running: [seq(7, 3), seq(2), seq(3, 9)],
      decode: [2],
      prefill: [
        [7, 3],
        [3, 1],
      ],
    },
  ])('$name', ({ running, decode, prefill }) => {
    const plan = planStep(running, budget);
    expect(plan.decode).toEqual(decode);
    expect(plan.prefill.map(({ slot, rows }) => [slot, rows])).toEqual(prefill);
  });

  it('gives prompts no more rows than their chunk, and one at least beside many streams', () => {
    const rows = (running: RunningSequence[], more = {}) =>
      planStep(running, { ...budget, ...more }).prefill.map((entry) => entry.rows);
    expect(rows([seq(1, 40)], { maxPrefillRows: 6 })).toEqual([6]);
    expect(rows([seq(1, 40), ...Array.from({ length: 9 }, (_, n) => seq(n + 2))])).toEqual([1]);
  });

  it('leaves prompts the rows of a step that decoding does not take, where nothing else bounds them', () => {
    const wide = { ...budget, maxPrefillRows: 99, maxRowsBesideDecode: 99 };
    expect(planStep([seq(1, 40), seq(2), seq(3)], wide).prefill).toEqual([{ slot: 1, rows: 14 }]);
  });

  it('fills whole groups of rows beside decoding, and what there is where decoding alone fills them', () => {
    const rows = (maxRowsBesideDecode: number, streams: number) =>
      planStep([seq(1, 40), ...Array.from({ length: streams }, (_, n) => seq(n + 2))], {
        ...budget,
        maxRowsBesideDecode,
        rowGroup: 6,
      }).prefill;
    expect(rows(11, 1)).toEqual([{ slot: 1, rows: 5 }]);
    expect(rows(12, 1)).toEqual([{ slot: 1, rows: 11 }]);
    expect(rows(5, 1)).toEqual([{ slot: 1, rows: 4 }]);
    expect(rows(11, 8)).toEqual([{ slot: 1, rows: 3 }]);
  });

  it('serves one adapter in a step, the next one in the next, in order of admission', () => {
    const of = (adapter: string | null, ...sequences: RunningSequence[]): RunningSequence[] =>
      sequences.map((sequence) => ({ ...sequence, adapter }));
    const running = [...of('a', seq(1), seq(2, 9)), ...of(null, seq(3)), ...of('b', seq(4, 0), seq(5))];
    const turns: (string | null)[] = [];
    let last: string | null = null;
    for (let step = 0; step < 4; step += 1) {
      const plan = planStep(running, budget, last);
      last = plan.adapter;
      turns.push(last);
      const served = [...plan.decode, ...plan.prefill.map(({ slot }) => slot)];
      expect(served).toEqual({ a: [1, 2], null: [3], b: [5] }[String(last)]);
    }
    expect(turns).toEqual(['b', 'a', null, 'b']);
  });

  it('gives prompts of one adapter no more rows beside answers of another than beside its own', () => {
    const running: RunningSequence[] = [{ ...seq(1, 40), adapter: 'a' }, seq(2)];
    expect(planStep(running, budget, null).prefill).toEqual([{ slot: 1, rows: 5 }]);
  });

  it('passes over an adapter whose sequences all wait for images', () => {
    expect(planStep([{ ...seq(1, 0), adapter: 'a' }, seq(2)], budget, null).adapter).toBe(null);
  });

  it('never exceeds the row budget and always makes progress, over random traces', () => {
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let trace = 0; trace < 300; trace += 1) {
      const running = Array.from({ length: random(12) }, (_, slot) =>
        seq(slot, random(3) === 0 ? undefined : 1 + random(60)),
      );
      const plan = planStep(running, budget);
      const rows = plan.decode.length + plan.prefill.reduce((sum, entry) => sum + entry.rows, 0);
      expect(rows).toBeLessThanOrEqual(budget.maxRows);
      if (running.length > 0) expect(rows).toBeGreaterThan(0);
      for (const { slot, kind } of running) expect(plan.decode.includes(slot)).toBe(kind === 'decode');
    }
  });
});
