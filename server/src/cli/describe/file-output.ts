// Descriptions in one file, and failures in another beside it, so that everything in the first one is a description.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { csvRecord, CSV } from './csv.js';
import { JSON_LINES } from './json-lines.js';
import { failureLine, toFields, type Description, type Failure, type Output } from './outcome.js';
import { PathSet } from './path-set.js';
import { RecordFile, type RecordFormat } from './record-file.js';

export type RecordFormatName = 'jsonl' | 'csv';

const FORMATS: Readonly<Record<RecordFormatName, RecordFormat>> = { jsonl: JSON_LINES, csv: CSV };

export const recordOf = (format: RecordFormatName, description: Description): string =>
  format === 'csv' ? csvRecord(description) : `${JSON.stringify(toFields(description))}\n`;

/**
 * Goes on where an earlier run ended.
 * @param retriesFailed whether what failed earlier counts as not yet tried
 * @throws ConfigError when a file cannot be written or is something else
 */
export async function openFileOutput(
  file: string,
  format: RecordFormatName,
  retriesFailed: boolean,
): Promise<Output> {
  const failuresFile = `${file}.failed.jsonl`;
  // The list is removed before the first failed image is tried again, so that a run that is killed leaves them as not yet tried.
  if (retriesFailed) await rm(failuresFile, { force: true });
  const described = new PathSet();
  const failed = new PathSet();
  const descriptions = await RecordFile.open(file, FORMATS[format], (path) => described.add(path));
  const openFailures = () => RecordFile.open(failuresFile, JSON_LINES, (path) => failed.add(path));
  // The file of failures is made at the first failure.
  let failures: Promise<RecordFile> | undefined = existsSync(failuresFile) ? openFailures() : undefined;
  await failures;
  return {
    isPrinted: false,
    failuresPlace: failuresFile,
    has(path) {
      return Promise.resolve(described.has(path) ? 'described' : failed.has(path) ? 'failed' : 'no');
    },
    describe: (description) => descriptions.append(recordOf(format, description)),
    async fail(failure: Failure) {
      failures ??= openFailures();
      await (await failures).append(failureLine(failure));
    },
    async [Symbol.asyncDispose]() {
      await descriptions[Symbol.asyncDispose]();
      await (await failures)?.[Symbol.asyncDispose]();
    },
  };
}
