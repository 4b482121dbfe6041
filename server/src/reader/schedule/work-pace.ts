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

/** What is looked back on: a few seconds beside a running stream. */
const REMEMBERED = 32;
/** No work is so many times as much as the most that was measured, since the fit says little about amounts that nobody has seen. */
const MAX_GROWTH = 2;

/** Remembers what work of one kind took. */
export class WorkPace {
  readonly #measured: MeasuredWork[] = [];

  note(work: MeasuredWork): void {
    this.#measured.push(work);
    if (this.#measured.length > REMEMBERED) this.#measured.shift();
  }

  /** Units that take about `targetMs`. */
  units(pace: Pace): number {
    return unitsWithin(this.#measured, pace);
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
  return clamp(Math.min(fitting, Math.max(firstUnits, most * MAX_GROWTH)), minUnits, maxUnits);
}

/** Least squares; neither part below zero. Work of one amount tells nothing of a fixed part, so all is taken as the units' then. */
function fit(measured: readonly MeasuredWork[]): { readonly fixedMs: number; readonly perUnitMs: number } {
  const mean = (of: (work: MeasuredWork) => number): number =>
    measured.reduce((sum, work) => sum + of(work), 0) / measured.length;
  const meanUnits = mean(({ units }) => units);
  const meanMs = mean(({ ms }) => ms);
  const variance = mean(({ units }) => (units - meanUnits) ** 2);
  const covariance = mean(({ units, ms }) => (units - meanUnits) * (ms - meanMs));
  const slope = variance > 0 ? covariance / variance : 0;
  const fixedMs = meanMs - slope * meanUnits;
  if (slope > 0 && fixedMs >= 0) return { fixedMs, perUnitMs: slope };
  return { fixedMs: 0, perUnitMs: meanMs / meanUnits };
}

const clamp = (value: number, least: number, most: number): number =>
  Math.max(Math.min(value, most), Math.min(least, most));
