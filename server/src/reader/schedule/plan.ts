// The batching policy, a pure function of integers: which sequences decode, which prompts are filled and by how many rows. Decode
// rows come first, so that a running stream never waits for another's prompt. Who may start is for kv/ to say.
import type { Slot } from '../ids.js';

/** It adds the one row of its last token, or up to so many rows of its prompt. */
export type RunningSequence =
  | { readonly slot: Slot; readonly kind: 'decode' }
  | { readonly slot: Slot; readonly kind: 'prefill'; readonly rowsReady: number };

export interface RowBudget {
  /** Rows of a step, at least the number of sequences that can run. */
  readonly maxRows: number;
  /** Prompt rows of a step. */
  readonly maxPrefillRows: number;
  /** Rows of a step in which sequences decode, their own included: bounds the gap between their tokens. Prompts get one at least. */
  readonly maxRowsBesideDecode: number;
}

export interface StepPlan {
  /** Sequences that add one row each. */
  readonly decode: readonly Slot[];
  /** Prompt rows to add, in order of admission. */
  readonly prefill: readonly { readonly slot: Slot; readonly rows: number }[];
}

/** Plans one step. `running` is in order of admission; its prompts are filled first come, first served. */
export function planStep(running: readonly RunningSequence[], budget: RowBudget): StepPlan {
  const decode = running.filter(({ kind }) => kind === 'decode').map(({ slot }) => slot);
  const prefill: { slot: Slot; rows: number }[] = [];
  let rowsLeft = Math.min(budget.maxRows - decode.length, budget.maxPrefillRows);
  if (decode.length > 0)
    rowsLeft = Math.min(rowsLeft, Math.max(1, budget.maxRowsBesideDecode - decode.length));
  for (const sequence of running) {
    if (sequence.kind === 'decode') continue;
    const rows = Math.min(sequence.rowsReady, rowsLeft);
    if (rows <= 0) continue;
    prefill.push({ slot: sequence.slot, rows });
    rowsLeft -= rows;
  }
  return { decode, prefill };
}
