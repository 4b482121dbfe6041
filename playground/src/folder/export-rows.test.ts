import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { toCsv, toJsonLines, type ExportedRow } from './export-rows.js';

const ROWS: readonly ExportedRow[] = [
  { path: 'a "b", c.jpg', text: 'One,\ntwo\r\n"three"', seconds: 1.5, error: '' },
  { path: '=1+1.png', text: '', seconds: null, error: 'broken' },
];

it('toCsv gives back every value to a reader of CSV', () =>
  expect(parse(toCsv(ROWS), { columns: true })).toEqual(
    ROWS.map((row) => ({ ...row, seconds: row.seconds === null ? '' : String(row.seconds) })),
  ));

it('toJsonLines has an object a line', () =>
  expect(
    toJsonLines(ROWS)
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([
    { path: 'a "b", c.jpg', text: 'One,\ntwo\r\n"three"', seconds: 1.5 },
    { path: '=1+1.png', text: '', seconds: null, error: 'broken' },
  ]));
