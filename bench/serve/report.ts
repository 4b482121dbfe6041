// The figures of all targets side by side, as a table for people and as JSON for comparisons.
import type { reportHead } from '../report.js';
import { spread, type Spread } from '../statistics.js';
import type { Figure, Trace } from './world.js';

export interface ServeReport extends ReturnType<typeof reportHead> {
  /** By the name of the target, in the order in which they were named. */
  readonly targets: readonly string[];
  readonly rows: readonly Row[];
  readonly traces: readonly Trace[];
}

export interface Row {
  readonly scenario: string;
  readonly name: string;
  readonly unit: string;
  /** By the name of the target. */
  readonly values: Readonly<Record<string, Spread>>;
}

/** Joins what the runs of each target measured: medians over runs. */
export function toRows(measured: ReadonlyMap<string, readonly Figure[]>): Row[] {
  const rows = new Map<string, { figure: Figure; values: Map<string, number[]> }>();
  for (const [target, figures] of measured) {
    for (const figure of figures) {
      const key = `${figure.scenario}\n${figure.name}`;
      const row = rows.get(key) ?? { figure, values: new Map<string, number[]>() };
      rows.set(key, row);
      row.values.set(target, [...(row.values.get(target) ?? []), figure.value]);
    }
  }
  return [...rows.values()].map(({ figure: { scenario, name, unit }, values }) => ({
    scenario,
    name,
    unit,
    values: Object.fromEntries([...values].map(([target, numbers]) => [target, spread(numbers)])),
  }));
}

export function printServeTable({
  targets,
  rows,
  model,
  quantType,
  commit,
  node,
  hardware,
}: ServeReport): string {
  const [first = '', second] = targets;
  const head = ['scenario', 'figure', 'unit', ...targets, ...(second === undefined ? [] : ['ratio'])];
  const lines = rows.map(({ scenario, name, unit, values }) => [
    scenario,
    name,
    unit,
    ...targets.map((target) => cell(values[target]?.median)),
    ...(second === undefined ? [] : [cell((values[first]?.median ?? NaN) / (values[second]?.median ?? NaN))]),
  ]);
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return [
    `${model} (${quantType}) · ${hardware.cpu}, ${hardware.cores} cores · ${node} · ${commit}`,
    ...all.map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n');
}

function cell(value = NaN): string {
  if (Number.isNaN(value)) return '-';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
