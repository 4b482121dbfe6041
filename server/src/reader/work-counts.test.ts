import { describe, expect, it } from 'vitest';
import { WorkCounts } from './work-counts.js';

describe('WorkCounts', () => {
  it('counts steps by what they went on with, and the tokens that they gave', () => {
    const counts = new WorkCounts();
    counts.addStep({ decodeRows: 3, prefillRows: 0, sampledTokens: 3, ms: 4 });
    counts.addStep({ decodeRows: 0, prefillRows: 20, sampledTokens: 1, ms: 30 });
    counts.addStep({ decodeRows: 2, prefillRows: 5, sampledTokens: 2, ms: 9 });
    expect(counts.totals).toMatchObject({
      steps: { rows: { sum: 30 }, ms: { sum: 43 }, decoding: 2, prefilling: 2, lastDecodeRows: 2 },
      generatedTokens: 6,
    });
  });

  it('counts what was put back by its stage, beginning at none', () => {
    const counts = new WorkCounts();
    const before = counts.totals.putBack;
    for (const stage of ['decode', 'prefill', 'decode'] as const) counts.addPutBack(stage);
    expect([before, counts.totals.putBack]).toEqual([
      { prefill: 0, decode: 0 },
      { prefill: 1, decode: 2 },
    ]);
  });
});
