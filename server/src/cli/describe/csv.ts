// CSV after RFC 4180, but with line feeds as line ends. The first line has the names of the columns.
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { ConfigError } from '../../errors.js';
import { toFields, type Description } from './outcome.js';
import type { RecordFormat } from './record-file.js';

const COLUMNS = ['path', 'text', 'finish_reason', 'prompt_tokens', 'image_tokens', 'generated_tokens'];

export function csvRecord(description: Description): string {
  const fields = toFields(description);
  return stringify([COLUMNS.map((column) => fields[column])]);
}

export const CSV: RecordFormat = {
  header: stringify([COLUMNS]),
  isQuoted: true,
  async *readPaths(file, endByte) {
    if (endByte === 0) return;
    const records = createReadStream(file, { end: endByte - 1 }).pipe(parse({ bom: true }));
    let isFirst = true;
    try {
      for await (const record of records) {
        const columns: readonly unknown[] = Array.isArray(record) ? record : [];
        if (isFirst) validateColumns(file, columns);
        else yield String(columns[0]);
        isFirst = false;
      }
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(
        `${file}: this is no CSV file of \`takeoff describe\`: ${why}. Name another file with --out.`,
        { cause },
      );
    }
  },
};

function validateColumns(file: string, columns: readonly unknown[]): void {
  if (columns.join() === COLUMNS.join()) return;
  throw new ConfigError(
    `${file}: the columns are ${columns.join(', ')}; those of \`takeoff describe\` are ${COLUMNS.join(', ')}. Name another file with --out.`,
  );
}
