// The batching policy, pure functions of integers: which sequences decode, which prompts are filled and by how many rows, and
// whether a waiting sequence can start. Decode rows come first, so a running stream never waits for another's prompt.

export interface RunningSequence {
  readonly id: number;
  /** Rows of the prompt that are not in the KV cache yet; 0 means the sequence is decoding. */
  readonly promptRowsLeft: number;
}

export interface RowBudget {
  /** Rows of a step, at least the number of sequences that can run. */
  readonly maxRows: number;
  /** Prompt rows of a step in which other sequences decode: bounds the gap between their tokens. */
  readonly maxPrefillRowsBesideDecode: number;
}

export interface StepPlan {
  /** Sequences that add one row each. */
  readonly decode: readonly number[];
  /** Prompt rows to add, in order of admission. */
  readonly prefill: readonly { readonly id: number; readonly rows: number }[];
}

/** Plans one step. `running` is in order of admission; its prompts are filled first come, first served. */
export function planStep(running: readonly RunningSequence[], budget: RowBudget): StepPlan {
  const decode = running.filter((sequence) => sequence.promptRowsLeft === 0).map((sequence) => sequence.id);
  const prefill: { id: number; rows: number }[] = [];
  let rowsLeft = budget.maxRows - decode.length;
  if (decode.length > 0) rowsLeft = Math.min(rowsLeft, budget.maxPrefillRowsBesideDecode);
  for (const { id, promptRowsLeft } of running) {
    const rows = Math.min(promptRowsLeft, rowsLeft);
    if (rows <= 0) continue;
    prefill.push({ id, rows });
    rowsLeft -= rows;
  }
  return { decode, prefill };
}

export interface Capacity {
  readonly freeSlots: number;
  readonly freeCells: number;
}

/** Whether a sequence that may grow to `cells` KV cells can start. Cells are claimed whole, so none runs out half way. */
export const canAdmit = (capacity: Capacity, cells: number): boolean =>
  capacity.freeSlots > 0 && capacity.freeCells >= cells;
