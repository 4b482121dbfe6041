// Descriptions as lines on standard output, for the next program of a pipe. A later run cannot go on from there.
import type { Terminal } from '../terminal.js';
import { CSV } from './csv.js';
import { recordOf, type RecordFormatName } from './file-output.js';
import type { Output } from './outcome.js';

export function openStdoutOutput(format: RecordFormatName, terminal: Terminal): Output {
  let header = format === 'csv' ? CSV.header : '';
  return {
    isPrinted: true,
    failuresPlace: null,
    has: () => Promise.resolve('no'),
    describe(description) {
      terminal.out(header + recordOf(format, description));
      header = '';
      return Promise.resolve();
    },
    fail: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
