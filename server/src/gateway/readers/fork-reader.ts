// Starts a reader as a child process. The child's standard error stays visible, because what native code prints when it aborts
// comes from nowhere else.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { connectToReader } from '../../link/ipc-parent.js';
import type { LaunchReader } from './reader-process.js';

const READER_PROGRAM = fileURLToPath(new URL('../../reader/main.js', import.meta.url));

/** @param program path of the reader's program; another one in tests */
export function forkReaders(program: string = READER_PROGRAM): LaunchReader {
  return (start) => {
    const child = fork(program, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const connection = connectToReader(child);
    const ended = new Promise<string>((resolve) => {
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
        if (child.pid === undefined) resolve(`its process could not be started: ${error.message}`);
      });
    });
    connection.send({ kind: 'start', start });
    return { connection, pid: child.pid, kill: () => void child.kill('SIGKILL'), ended };
  };
}
