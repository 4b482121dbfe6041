// docs/errors.md is written for people, but its table must say what the program does.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, isErrorCode } from './error-codes.js';

/** Rows of the table, without the padding that the formatter adds. */
const rowsOfThePage = (): string[] =>
  readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replaceAll(/ +/gu, ' '));

describe('ERROR_CODES', () => {
  it('equals the table of docs/errors.md, row by row', () => {
    const rows = Object.entries(ERROR_CODES).map(
      ([code, { status, retryable, sentence }]) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${sentence} |`,
    );
    expect(rowsOfThePage()).toEqual(rows);
  });

  it('marks every 503 as retryable but those that wait for the operator, and besides only 408', () => {
    const retryable = Object.values(ERROR_CODES).filter((facts) => facts.retryable);
    expect(new Set(retryable.map(({ status }) => status))).toEqual(new Set([503, 408]));
    const hopeless = Object.entries(ERROR_CODES).filter(
      ([, facts]) => facts.status === 503 && !facts.retryable,
    );
    expect(hopeless.map(([code]) => code)).toEqual(['group.failed', 'cluster.misconfigured', 'reader.not_saved']);
  });

  it('is what isErrorCode knows, without the names that every object inherits', () => {
    expect(isErrorCode('image.too_large')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode('')).toBe(false);
  });
});
