// The log of a server on standard output: JSON lines, or lines for people, coloured on an interactive terminal. Where nobody watches
// a terminal, lines are written together.
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { build as pretty } from 'pino-pretty';
import type { ServerConfig } from '../config/server-settings.js';
import { LineBatch } from './line-batch.js';
import type { ProgressLine } from './progress-line.js';
import type { Terminal } from './terminal.js';

/** By which pino knows that a destination wants to be told the level of each line. */
const NEEDS_LEVEL = pino.symbols.needsMetadataGsym;
const WARN = pino.levels.values['warn'] ?? 0;

export interface ServerLog {
  /** In the form that suits the terminal. */
  readonly log: Logger;
  /** The same lines in each form, for readers that ask for one. */
  readonly logForms: { readonly json: Logger; readonly forPeople: Logger };
}

export function createServerLog(
  level: ServerConfig['logLevel'],
  terminal: Terminal,
  line: ProgressLine,
): ServerLog {
  const { isInteractive } = terminal;
  // A destination of its own instead of pino's, because the progress line must be cleared before a log line appears.
  const write = (lines: string): void => {
    line.clear();
    terminal.out(lines);
  };
  const lines = isInteractive ? { add: write, flush: () => undefined } : new LineBatch(write);
  const colours = isInteractive ? {} : { colorize: false };
  const destination = new Writable({
    decodeStrings: false,
    write: (text: string | Uint8Array, _encoding, done) => {
      lines.add(typeof text === 'string' ? text : Buffer.from(text).toString());
      done();
    },
  });
  const forPeople = pino(
    { level },
    pretty({ destination, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', ...colours }),
  );
  const json = pino({ level }, jsonLines(lines));
  return { log: isInteractive ? forPeople : json, logForms: { json, forPeople } };
}

interface JsonDestination {
  readonly [NEEDS_LEVEL]: true;
  /** Of the line that is being written; set by pino. */
  lastLevel: number;
  write(text: string): void;
}

/** A destination of pino's that does not keep warnings and errors waiting: the process may be about to die of them. */
function jsonLines(lines: Pick<LineBatch, 'add' | 'flush'>): JsonDestination {
  return {
    [NEEDS_LEVEL]: true,
    lastLevel: 0,
    write(text) {
      lines.add(text);
      if (this.lastLevel >= WARN) lines.flush();
    },
  };
}
