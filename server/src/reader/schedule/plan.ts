// The batching policy, a pure function of integers: which sequences decode, which prompts are filled and by how many rows. Decode
// rows come first, so that a running stream never waits for another's prompt. Who may start is for kv/ to say.
import type { Slot } from '../ids.js';

/** It adds the one row of its last token, or up to so many rows of its prompt. */
export type RunningSequence = { readonly slot: Slot; readonly adapter: string | null } & (
  { readonly kind: 'decode' } | { readonly kind: 'prefill'; readonly rowsReady: number }
);

export interface RowBudget {
  /** Rows of a step, at least the number of sequences that can run. */
  readonly maxRows: number;
  /** Prompt rows of a step. */
  readonly maxPrefillRows: number;
  /** Rows of a step in which sequences decode, their own included: bounds the gap between their tokens. Prompts get one at least. */
  readonly maxRowsBesideDecode: number;
  /** Rows that are computed together, see EngineLimits. */
  readonly rowGroup: number;
}

export interface StepPlan {
  /** What all rows of the step go through; null is the model as it is. */
  readonly adapter: string | null;
  /** Sequences that add one row each. */
  readonly decode: readonly Slot[];
  /** Prompt rows to add, in order of admission. */
  readonly prefill: readonly { readonly slot: Slot; readonly rows: number }[];
}

/**
 * Plans one step. `running` is in order of admission; its prompts are filled first come, first served. A step goes through one
 * adapter: those of the sequences that can go on take turns, the one after `lastAdapter` is next.
 */
export function planStep(
  running: readonly RunningSequence[],
  budget: RowBudget,
  lastAdapter: string | null = null,
): StepPlan {
  const adapter = adapterInTurn(running, lastAdapter);
  const served = running.filter((sequence) => sequence.adapter === adapter);
  const decode = served.filter(({ kind }) => kind === 'decode').map(({ slot }) => slot);
  const prefill: { slot: Slot; rows: number }[] = [];
  let rowsLeft = Math.min(budget.maxRows - decode.length, budget.maxPrefillRows);
  // Also beside answers of other adapters, which wait for this step.
  if (running.some(({ kind }) => kind === 'decode'))
    rowsLeft = Math.min(rowsLeft, Math.max(1, wholeGroups(budget, decode.length) - decode.length));
  for (const sequence of served) {
    if (sequence.kind === 'decode') continue;
    const rows = Math.min(sequence.rowsReady, rowsLeft);
    if (rows <= 0) continue;
    prefill.push({ slot: sequence.slot, rows });
    rowsLeft -= rows;
  }
  return { adapter, decode, prefill };
}

/** Rows of a step beside decoding ones: rows beyond the last whole group would cost more than they are worth. */
function wholeGroups({ maxRowsBesideDecode, rowGroup }: RowBudget, decodeRows: number): number {
  const whole = maxRowsBesideDecode - (maxRowsBesideDecode % rowGroup);
  return whole > decodeRows ? whole : maxRowsBesideDecode;
}

function adapterInTurn(running: readonly RunningSequence[], last: string | null): string | null {
  const ready = running.filter((sequence) => sequence.kind === 'decode' || sequence.rowsReady > 0);
  const adapters = [...new Set(ready.map(({ adapter }) => adapter))];
  return adapters[(adapters.indexOf(last) + 1) % adapters.length] ?? null;
}
