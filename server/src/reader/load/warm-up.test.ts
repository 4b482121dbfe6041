import { describe, expect, it } from 'vitest';
import type { EngineLimits, LanguageEngine, StepRow } from '../engine/engine.js';
import { createEchoModel } from './echo-model.js';
import { warmUp } from './warm-up.js';

const LIMITS: EngineLimits = {
  contextTokens: 2048,
  cells: 4096,
  maxSequences: 4,
  slots: 8,
  maxRows: 512,
  rowGroup: 1,
};
/** What the driver takes for a program that it has not compiled yet. */
const COMPILE_MS = 30_000;

interface Device {
  readonly fixedMs: number;
  readonly perRowMs: number;
  /** Added to steps, counted from 0. */
  readonly hiccups?: ReadonlyMap<number, number>;
}

/** Warms an echo whose steps take what the device takes for them; every size of a step is compiled the first time. */
async function warm(
  { fixedMs, perRowMs, hiccups = new Map<number, number>() }: Device,
  { limits = {}, prefillChunkRows = 512 }: { limits?: Partial<EngineLimits>; prefillChunkRows?: number } = {},
) {
  const { engine, encoder, description } = createEchoModel({ ...LIMITS, ...limits });
  let nowMs = 0;
  const steps: (readonly StepRow[])[] = [];
  const compiled = new Set<number>();
  const begun = new Set<number>();
  const slow: LanguageEngine = {
    limits: engine.limits,
    cellBytes: 16,
    begin: (slot, sampling) => {
      begun.add(slot);
      engine.begin(slot, sampling);
    },
    end: (slot) => {
      begun.delete(slot);
      engine.end(slot);
    },
    suspend: (slot) => engine.suspend(slot),
    resume: (...suspended) => engine.resume(...suspended),
    share: (...cells) => engine.share(...cells),
    forget: (...cells) => engine.forget(...cells),
    close: () => engine.close(),
    step: (rows) => {
      nowMs += fixedMs + perRowMs * rows.length + (hiccups.get(steps.length) ?? 0);
      if (!compiled.has(rows.length)) nowMs += COMPILE_MS;
      compiled.add(rows.length);
      steps.push(rows);
      return engine.step(rows);
    },
  };
  const progress: number[] = [];
  const rows = await warmUp({
    engine: slow,
    encoder,
    description,
    prefillChunkRows,
    onProgress: (fraction) => progress.push(fraction),
    clock: () => nowMs,
  });
  const isPrompt = (step: readonly StepRow[]) => step.length > 1 && step[1]?.slot === step[0]?.slot;
  return {
    rows,
    progress,
    prompts: steps.filter(isPrompt).map(({ length }) => length),
    decodes: steps.filter((step) => !isPrompt(step)).map(({ length }) => length),
    isClean: begun.size === 0 && engine.usedCells === 0,
  };
}

const CARD: Device = { fixedMs: 20, perRowMs: 0.1 };
const SOFTWARE: Device = { fixedMs: 50, perRowMs: 100 };

describe('warmUp', () => {
  it('computes every number of answers, and prompts of every size that a fast device will be given', async () => {
    const { rows, prompts, decodes, progress, isClean } = await warm(CARD);
    expect(rows).toBe(512);
    expect([...new Set(prompts)]).toEqual([16, 48, 128, 512]);
    expect(decodes).toEqual([1, 2, 3, 4]);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBeLessThan(1);
    expect(isClean).toBe(true);
  });

  it('computes decode steps of one to eight answers and of all of them', async () => {
    const { decodes } = await warm(CARD, { limits: { maxSequences: 32, slots: 32 } });
    expect(decodes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 32]);
  });

  it('gives a slow device no larger prompts than it computes in two seconds, whatever compiling takes', async () => {
    const { rows, prompts, isClean } = await warm(SOFTWARE);
    expect(rows).toBe(19);
    expect([...new Set(prompts)]).toEqual([16, 19]);
    expect(isClean).toBe(true);
  });

  it('goes on by sixteen rows where even they take longer', async () => {
    const { rows, prompts } = await warm({ fixedMs: 0, perRowMs: 1000 });
    expect(rows).toBe(16);
    expect(new Set(prompts)).toEqual(new Set([16]));
  });

  it('is not misled by a step that stalls once', async () => {
    const stalledRun = new Map([[LIMITS.maxSequences + 1, 10_000]]);
    expect((await warm({ ...CARD, hiccups: stalledRun })).rows).toBe(512);
  });

  it('warms no more than is set, or than the context holds', async () => {
    const few = await warm(CARD, { prefillChunkRows: 40 });
    expect(few.rows).toBe(40);
    expect([...new Set(few.prompts)]).toEqual([16, 40]);
    const short = await warm(CARD, { limits: { contextTokens: 100 } });
    expect(short.rows).toBe(512);
    expect([...new Set(short.prompts)]).toEqual([16, 48, 99]);
    expect(new Set((await warm(SOFTWARE, { prefillChunkRows: 8 })).prompts)).toEqual(new Set([8]));
  });
});
