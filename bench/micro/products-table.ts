// Single products as a table for people.
import { alignColumns, format } from '../report.js';
import type { ProductComparison, ProductsReport } from './products.js';

export function printProducts({ threads, limits, products }: ProductsReport): string {
  return [
    `Products, GOP/s on the clock, threads at once: ${threads}`,
    ...limitLines(limits),
    ...alignColumns([headOf(products), ...products.map(rowOf)]),
  ].join('\n');
}

function limitLines(limits: ProductsReport['limits']): string[] {
  if (limits === null) return ['The processor’s limits are not known: no kernels of our own are used here.'];
  const { memoryBytes, ...operations } = limits;
  const kinds = Object.entries(operations).map(
    ([kind, value]) => `${kind} ${value === null ? 'none' : giga(value.max)}`,
  );
  return [
    `The processor’s limits: ${kinds.join(', ')} GOP/s; memory read ${giga(memoryBytes?.max ?? NaN)} GB/s`,
  ];
}

const sidesOf = (products: readonly ProductComparison[]): string[] => [
  ...new Set(products.flatMap(({ rates }) => rates.map(({ side }) => side))),
];

const headOf = (products: readonly ProductComparison[]): string[] => [
  'type',
  'n × k',
  'rows',
  ...sidesOf(products),
  'ratio',
  'of limit',
  'llama.cpp’s buffer',
];

function rowOf(product: ProductComparison, _: number, all: readonly ProductComparison[]): string[] {
  const { type, columns, depth, rows, rates, ratio, limit } = product;
  const ours = rates.find(({ side }) => side === 'ours');
  const share = ours === undefined || limit === null ? null : ours.value.median / limit;
  return [
    type,
    `${columns} × ${depth}`,
    String(rows),
    ...sidesOf(all).map((name) => giga(rates.find(({ side }) => side === name)?.value.median ?? NaN)),
    ratio === null ? '' : ratio.toFixed(2),
    share === null ? '' : `${Math.round(share * 100)} %`,
    rates[0]?.place ?? '',
  ];
}

const giga = (rate: number): string => (Number.isNaN(rate) ? '' : format(rate / 1e9));
