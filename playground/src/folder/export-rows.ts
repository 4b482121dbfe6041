// A folder's answers as CSV and as JSON Lines, with the names that `takeoff describe` gives its columns. Pure.

export interface ExportedRow {
  readonly path: string;
  readonly text: string;
  /** Null where there is no answer. */
  readonly seconds: number | null;
  /** Empty where nothing failed. */
  readonly error: string;
}

const COLUMNS = ['path', 'text', 'seconds', 'error'] as const;

export const toCsv = (rows: readonly ExportedRow[]): string =>
  [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');

/** RFC 4180: quoted where a comma, a quotation mark or the end of a line is in it. */
function cell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const toJsonLines = (rows: readonly ExportedRow[]): string =>
  rows
    .map(({ path, text, seconds, error }) =>
      JSON.stringify({ path, text, seconds, ...(error === '' ? {} : { error }) }),
    )
    .map((line) => `${line}\n`)
    .join('');
