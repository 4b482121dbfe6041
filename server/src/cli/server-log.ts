// The log of a server on standard output: JSON lines, or lines for people, coloured on an interactive terminal.
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { build as pretty } from 'pino-pretty';
import type { ServerConfig } from '../config/server-settings.js';
import type { ProgressLine } from './progress-line.js';
import type { Terminal } from './terminal.js';

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
  // A destination of its own instead of pino's, because the progress line must be cleared before a log line appears.
  const destination = new Writable({
    decodeStrings: false,
    write: (text: string | Uint8Array, _encoding, done) => {
      line.clear();
      terminal.out(typeof text === 'string' ? text : Buffer.from(text).toString());
      done();
    },
  });
  const { isInteractive } = terminal;
  const colours = isInteractive ? {} : { colorize: false };
  const forPeople = pino(
    { level },
    pretty({ destination, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', ...colours }),
  );
  const json = pino({ level }, destination);
  return { log: isInteractive ? forPeople : json, logForms: { json, forPeople } };
}
