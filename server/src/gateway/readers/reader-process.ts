// A reader as a running program, whatever runs it: a line to it, and a way to end it. fork-reader.ts makes child processes;
// tests make scripted ones.
import type { ReaderConnection } from '../../link/connection.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import type { ReaderStart } from '../../link/lifecycle/messages.js';

export interface ReaderProcess {
  readonly connection: ReaderConnection;
  /** Undefined where there is no process of its own, or none could be started. */
  readonly pid: number | undefined;
  /** Ends it at once. Does nothing when it has ended. */
  kill(): void;
  /** Resolves when it has ended and all it said has been delivered, with the reason in words. Never rejects. */
  readonly ended: Promise<string>;
}

/** @param onOutput told of each line that the program prints, beside its messages */
export type LaunchReader = (
  start: ReaderStart,
  secrets: ReaderSecrets,
  onOutput: (line: string) => void,
) => ReaderProcess;
