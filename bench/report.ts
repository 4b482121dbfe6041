// The report of a benchmark run, printed as a table for people and as JSON for comparisons.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import type { ProductsReport } from './micro/products.js';
import type { Spread } from './statistics.js';

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly value: Spread;
}

export interface Report {
  readonly model: string;
  readonly quantType: string;
  readonly commit: string;
  readonly node: string;
  readonly hardware: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number };
  readonly measurements: readonly Measurement[];
  readonly products?: ProductsReport;
}

export function reportHead(model: string, quantType: string): Omit<Report, 'measurements' | 'products'> {
  return {
    model,
    quantType,
    commit: commit(),
    node: process.version,
    hardware: {
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    },
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown'; // an unpacked archive has no history
  }
}

export function printTable(report: Report): string {
  const rows = report.measurements.map(({ name, unit, value }) => [
    name,
    format(value.median),
    `${format(value.min)} … ${format(value.max)}`,
    String(value.runs),
    unit,
  ]);
  const lines =
    rows.length === 0 ? [] : alignColumns([['measurement', 'median', 'min … max', 'runs', 'unit'], ...rows]);
  const { model, quantType, commit: revision, node, hardware } = report;
  return [
    `${model} (${quantType}) · ${hardware.cpu}, ${hardware.cores} cores · ${node} · ${revision}`,
    ...lines,
  ].join('\n');
}

/** Lines of a table whose first row is its head. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export const format = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
