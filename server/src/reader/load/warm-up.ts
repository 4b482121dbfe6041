// Has a GPU compute everything once that it will be asked for, before the reader says that it is ready: drivers compile the programs
// of a step when it comes for the first time, which takes from seconds to minutes. Finds out meanwhile how many rows of a prompt the
// device computes in a time that others can wait, so that a slow one is warmed for small steps, and is given no others. Leaves no cell
// taken and no slot begun.
import { GREEDY } from '../../link/requests/greedy.js';
import { layoutImage } from '../../image/geometry.js';
import type { ModelDescription } from '../../model/description.js';
import type { LanguageEngine, StepRow } from '../engine/engine.js';
import { toSlot, toTokenId } from '../ids.js';
import type { ImageEncoder } from '../vision/image-encoder.js';

export interface WarmUp {
  readonly engine: LanguageEngine;
  readonly encoder: ImageEncoder | null;
  readonly description: ModelDescription;
  /** Prompt rows of a step at most. */
  readonly prefillChunkRows: number;
  /** From 0 to 1. */
  readonly onProgress: (fraction: number) => void;
  /** Milliseconds from any beginning, ever growing. */
  readonly clock: () => number;
}

/** Backends have a program of its own for each number of rows up to this. */
const MANY_ROWS = 8;
/** Rows that are computed by the programs for small, middling and large products; larger steps add none. */
const PROMPT_ROWS = [16, 48, 128];
/** What a step of prompts may take: nothing is cancelled and nobody admitted meanwhile. Cards compute 512 rows of 7 B in a tenth of it. */
const PROMPT_STEP_MS = 2000;
/** The faster one counts: a hiccup would make prompts slow for as long as the reader lives. */
const TIMED_RUNS = 2;

/** @returns prompt rows of a step at most: `prefillChunkRows`, or what the device computes in time, sixteen at least */
export async function warmUp(work: WarmUp): Promise<number> {
  const { engine, prefillChunkRows, onProgress } = work;
  const { maxSequences, maxRows, contextTokens } = engine.limits;
  const most = Math.min(prefillChunkRows, maxRows, contextTokens - 1);
  const few = Math.min(maxSequences, MANY_ROWS);
  const decodes = new Set([...Array.from({ length: few }, (_, index) => index + 1), maxSequences]);
  const parts: (() => Promise<void>)[] = [
    () => encodeOnce(work),
    ...[...decodes].map((rows) => () => stepOnce(engine, decodeRows(rows))),
  ];
  for (const [index, compute] of parts.entries()) {
    onProgress(index / (parts.length + 1));
    await compute();
  }
  onProgress(parts.length / (parts.length + 1));
  const warmedRows = await growPrompts(work, most);
  return warmedRows === most ? prefillChunkRows : warmedRows;
}

/** Computes prompts of more and more rows while they stay in time. Returns the rows of the last one. */
async function growPrompts({ engine, clock }: WarmUp, mostRows: number): Promise<number> {
  let rows = 0;
  let rowsInTime = Infinity;
  for (const wanted of [...PROMPT_ROWS.filter((count) => count < mostRows), mostRows]) {
    const next = Math.min(wanted, rowsInTime);
    if (next <= rows) return rows;
    rows = next;
    await stepOnce(engine, promptRows(rows));
    if (rows === mostRows || rows < wanted) return rows;
    let bestMs = Infinity;
    for (let run = 0; run < TIMED_RUNS; run += 1) {
      const startMs = clock();
      await stepOnce(engine, promptRows(rows));
      bestMs = Math.min(bestMs, clock() - startMs);
    }
    // More rows take less than as many times as long, since each step has a part that does not grow.
    rowsInTime = Math.floor((rows * PROMPT_STEP_MS) / bestMs);
  }
  return rows;
}

async function encodeOnce({ encoder, description: { vision } }: WarmUp): Promise<void> {
  if (encoder === null || vision === null) return;
  const { sidePx } = vision;
  const { tileCount } = layoutImage(sidePx, sidePx, vision);
  const tiles = new Uint8Array(tileCount * sidePx ** 2 * 3);
  const image = { sha256: 'warm-up', widthPx: sidePx, heightPx: sidePx, sidePx, tiles };
  for (const keptRows of encoder.canReduce ? [null, 1] : [null]) {
    const encoding = encoder.start(image, keptRows);
    while ((await encoding.advance(Infinity)) === undefined);
  }
}

/** One prompt. */
const promptRows = (count: number): StepRow[] =>
  Array.from({ length: count }, (_, position) => rowOf(0, position, position === count - 1));

/** A token for each of several answers. */
const decodeRows = (count: number): StepRow[] =>
  Array.from({ length: count }, (_, slot) => rowOf(slot, 0, true));

const rowOf = (slot: number, position: number, samples: boolean): StepRow => ({
  slot: toSlot(slot),
  position,
  source: { kind: 'token', token: toTokenId(0) },
  samples,
});

async function stepOnce(engine: LanguageEngine, rows: readonly StepRow[]): Promise<void> {
  const slots = new Set(rows.map(({ slot }) => slot));
  for (const slot of slots) engine.begin(slot, GREEDY);
  await engine.step(rows);
  for (const slot of slots) {
    engine.end(slot);
    engine.forget(slot, 0, rows.length);
  }
}
