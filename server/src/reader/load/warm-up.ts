// Has a GPU compute everything once that it will be asked for, before the reader says that it is ready: drivers compile the programs
// of a step when it comes for the first time, which takes from seconds to minutes. Leaves no cell taken and no slot begun.
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
}

/** Backends have a program of its own for each number of rows up to this. */
const MANY_ROWS = 8;
/** Rows that are computed by the programs for small and for middling products. */
const PROMPT_ROWS = [16, 48];

export async function warmUp(work: WarmUp): Promise<void> {
  const { engine, prefillChunkRows, onProgress } = work;
  const { maxSequences, maxRows, contextTokens } = engine.limits;
  const most = Math.min(prefillChunkRows, maxRows, contextTokens - 1);
  const prompts = [...PROMPT_ROWS.filter((rows) => rows < most), most];
  const few = Math.min(maxSequences, MANY_ROWS);
  const decodes = new Set([...Array.from({ length: few }, (_, index) => index + 1), maxSequences]);
  const parts: (() => Promise<void>)[] = [
    () => encodeOnce(work),
    ...prompts.map((rows) => () => stepOnce(engine, promptRows(rows))),
    ...[...decodes].map((rows) => () => stepOnce(engine, decodeRows(rows))),
  ];
  for (const [index, compute] of parts.entries()) {
    onProgress(index / parts.length);
    await compute();
  }
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
