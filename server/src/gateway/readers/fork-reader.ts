// Starts a reader as a child process. What the child prints reaches the log, because what native code says when it aborts comes
// from nowhere else.
import { fork, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readerEnvironment } from '../../config/reader-environment.js';
import { connectToReader } from '../../link/ipc-parent.js';
import { VERSIONS } from '../../link/messages.js';
import type { SecretsMessage } from '../../link/secrets.js';
import { OutputLines } from './output-lines.js';
import type { LaunchReader, ReaderProcess } from './reader-process.js';

/** JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const READER_PROGRAM = fileURLToPath(new URL('../../../bin/reader.js', import.meta.url));

/** @param program path of the reader's program; another one in tests */
export function forkReaders(program: string = READER_PROGRAM): LaunchReader {
  return (start, secrets, onOutput) => {
    let child: ChildProcess;
    try {
      child = fork(program, [], {
        serialization: 'advanced',
        execArgv: [],
        env: readerEnvironment(start),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
    } catch (error) {
      // Most failures come as an event, but not that of a machine without memory. It must cost a restart, not the gateway.
      return unstarted(error instanceof Error ? error.message : String(error));
    }
    forwardLines(child.stdout, onOutput);
    forwardLines(child.stderr, onOutput);
    const connection = connectToReader(child);
    child.send({ kind: 'secrets', secrets } satisfies SecretsMessage, () => undefined);
    connection.send({ kind: 'start', versions: VERSIONS, start });
    return { connection, pid: child.pid, kill: () => void child.kill('SIGKILL'), ended: endOf(child) };
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let reason: string | undefined;
    let isDisconnected = false;
    // `exit` may come before the child's last messages, which end with `disconnect`.
    const settle = (): void => {
      if (reason !== undefined && (isDisconnected || !child.connected)) resolve(reason);
    };
    child.on('exit', (code, signal) => {
      reason =
        signal === null
          ? `its process ended with code ${code ?? 'unknown'}`
          : `its process ended by ${signal}`;
      settle();
    });
    child.on('disconnect', () => {
      isDisconnected = true;
      settle();
    });
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(notStarted(error.message));
    });
  });
}

function unstarted(why: string): ReaderProcess {
  return {
    connection: {
      send: () => undefined,
      onMessage: () => undefined,
      onClose: (listener) => listener('there is no process'),
      close: () => undefined,
    },
    pid: undefined,
    kill: () => undefined,
    ended: Promise.resolve(notStarted(why)),
  };
}

const notStarted = (why: string): string => `its process could not be started: ${why}`;

/** Standard streams are missing from a process that could not be started. */
function forwardLines(stream: Readable | null | undefined, onLine: (line: string) => void): void {
  const lines = new OutputLines(onLine);
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => lines.push(chunk));
  stream?.on('end', () => lines.end());
}
