// How many rows a step may have so that it takes about as long as it should: a pure function of what recent steps took. A step costs
// something however few rows it has (every weight is read once) and something for each row. Both differ a hundredfold between
// models and machines and change with the length of the cache, so they are fitted to the last steps and not set.

export interface MeasuredStep {
  readonly rows: number;
  readonly ms: number;
}

export interface Pace {
  /** What a step should take. */
  readonly targetMs: number;
  /** Fewer would hardly move prompts on, however slow the machine is. */
  readonly minRows: number;
  readonly maxRows: number;
}

/** Steps that are looked back on: a few seconds beside a running stream. */
export const REMEMBERED_STEPS = 32;
/** Without any measured step. */
const FIRST_ROWS = 64;
/** No step is so many times as large as the largest measured one, since the fit says little about sizes that nobody has seen. */
const MAX_GROWTH = 2;

/** Rows with which a step takes about `targetMs`. */
export function rowsWithin(steps: readonly MeasuredStep[], { targetMs, minRows, maxRows }: Pace): number {
  if (steps.length === 0) return clamp(FIRST_ROWS, minRows, maxRows);
  const { fixedMs, perRowMs } = fit(steps);
  const largest = Math.max(...steps.map(({ rows }) => rows));
  const fitting = perRowMs > 0 ? Math.floor((targetMs - fixedMs) / perRowMs) : Infinity;
  return clamp(Math.min(fitting, Math.max(FIRST_ROWS, largest * MAX_GROWTH)), minRows, maxRows);
}

/** Least squares; neither part below zero. Steps of one size tell nothing of a fixed part, so all is taken as the rows' then. */
function fit(steps: readonly MeasuredStep[]): { readonly fixedMs: number; readonly perRowMs: number } {
  const mean = (of: (step: MeasuredStep) => number): number =>
    steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  const meanRows = mean(({ rows }) => rows);
  const meanMs = mean(({ ms }) => ms);
  const variance = mean(({ rows }) => (rows - meanRows) ** 2);
  const covariance = mean(({ rows, ms }) => (rows - meanRows) * (ms - meanMs));
  const slope = variance > 0 ? covariance / variance : 0;
  const fixedMs = meanMs - slope * meanRows;
  if (slope > 0 && fixedMs >= 0) return { fixedMs, perRowMs: slope };
  return { fixedMs: 0, perRowMs: meanMs / meanRows };
}

const clamp = (value: number, least: number, most: number): number =>
  Math.max(Math.min(value, most), Math.min(least, most));
