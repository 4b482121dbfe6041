// How much work may be done at once so that it takes about as long as it should: a pure function of what recent work took. Work comes
// in units: rows of a batch, parts of an image's encoding. It costs something however little it is (a step reads every weight once)
// and something for each unit. Both differ a hundredfold between models and machines and change with the length of the cache, so they
// are fitted to what was measured last and not set.

export interface MeasuredWork {
  readonly units: number;
  readonly ms: number;
}

export interface Pace {
  /** What the work should take. */
  readonly targetMs: number;
  /** Where nothing was measured. */
  readonly firstUnits: number;
  /** Fewer would hardly move it on, however slow the machine is. */
  readonly minUnits: number;
  readonly maxUnits: number;
}

/** What is looked back on, of each kind: a second or two beside a running stream. */
const REMEMBERED = 16;
/** Clocks are no finer. */
const LEAST_MS = 0.001;
/** No work is so many times as much as the most that was measured, since the fit says little about amounts that nobody has seen. */
const MAX_GROWTH = 2;

type WorkKind = 'small' | 'large';

/**
 * Remembers what work took. Work that is usually small and that which is usually large are two kinds, each of which is remembered
 * however much of the other comes: a thousand steps of one row say nothing of what the rows of a prompt cost, since weights that are
 * read from memory have time for a few rows more.
 */
export class WorkPace {
  readonly #measured: Readonly<Record<WorkKind, MeasuredWork[]>> = { small: [], large: [] };

  note(work: MeasuredWork, kind: WorkKind): void {
    const same = this.#measured[kind];
    same.push(work);
    if (same.length > REMEMBERED) same.shift();
  }

  /** Units that take about `targetMs`. */
  units(pace: Pace): number {
    return unitsWithin([...this.#measured.small, ...this.#measured.large], pace);
  }
}

/** Units that take about `targetMs`. */
export function unitsWithin(
  measured: readonly MeasuredWork[],
  { targetMs, firstUnits, minUnits, maxUnits }: Pace,
): number {
  if (measured.length === 0) return clamp(firstUnits, minUnits, maxUnits);
  const { fixedMs, perUnitMs } = fit(measured);
  const most = Math.max(...measured.map(({ units }) => units));
  const fitting = perUnitMs > 0 ? Math.round((targetMs - fixedMs) / perUnitMs) : Infinity;
  return clamp(Math.min(fitting, most * MAX_GROWTH), minUnits, maxUnits);
}

/**
 * Least squares of the error in proportion to the time, since a busy machine lengthens all work in proportion and small amounts must not
 * be lost beside large ones. Neither part is below zero. Work of one amount tells nothing of a fixed part, so all is taken as the units'
 * then.
 */
function fit(measured: readonly MeasuredWork[]): { readonly fixedMs: number; readonly perUnitMs: number } {
  const weightOf = ({ ms }: MeasuredWork): number => 1 / Math.max(ms, LEAST_MS) ** 2;
  const weight = measured.reduce((sum, work) => sum + weightOf(work), 0);
  const mean = (of: (work: MeasuredWork) => number): number =>
    measured.reduce((sum, work) => sum + weightOf(work) * of(work), 0) / weight;
  const meanUnits = mean(({ units }) => units);
  const meanMs = mean(({ ms }) => ms);
  const variance = mean(({ units }) => (units - meanUnits) ** 2);
  const covariance = mean(({ units, ms }) => (units - meanUnits) * (ms - meanMs));
  const slope = variance > 0 ? covariance / variance : 0;
  const fixedMs = meanMs - slope * meanUnits;
  if (slope > 0 && fixedMs >= 0) return { fixedMs, perUnitMs: slope };
  const sum = (of: (work: MeasuredWork) => number): number =>
    measured.reduce((all, work) => all + of(work), 0);
  return { fixedMs: 0, perUnitMs: sum(({ ms }) => ms) / sum(({ units }) => units) };
}

const clamp = (value: number, least: number, most: number): number =>
  Math.max(Math.min(value, most), Math.min(least, most));
