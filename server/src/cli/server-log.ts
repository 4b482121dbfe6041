// The log of a server on standard output: JSON lines, or coloured lines on an interactive terminal.
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { build as pretty } from 'pino-pretty';
import type { ServerConfig } from '../config/server-settings.js';
import type { ProgressLine } from './progress-line.js';
import type { Terminal } from './terminal.js';

export function createServerLog(
  level: ServerConfig['logLevel'],
  terminal: Terminal,
  line: ProgressLine,
): Logger {
  // A destination of its own instead of pino's, because the progress line must be cleared before a log line appears.
  const destination = new Writable({
    decodeStrings: false,
    write: (text: string | Uint8Array, _encoding, done) => {
      line.clear();
      terminal.out(typeof text === 'string' ? text : Buffer.from(text).toString());
      done();
    },
  });
  if (!terminal.isInteractive) return pino({ level }, destination);
  return pino({ level }, pretty({ destination, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }));
}
