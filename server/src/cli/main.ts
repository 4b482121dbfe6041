// The program `takeoff`: runs the command of the command line. The only file that ends the process.
import { failureOf } from './exit-code.js';
import { createProgram } from './program.js';
import { processTerminal } from './terminal.js';

/** 128 and the number of SIGPIPE, as shells report a program that the signal ended. */
const EXIT_NOBODY_READS = 141;

// An error means that the reader of the output has left, as `head` does. A server goes on without its log; any other command ends,
// because nobody wants its result.
const isServer = process.argv[2] === 'serve';
process.stdout.on('error', () => {
  if (!isServer) process.exit(EXIT_NOBODY_READS);
});
process.stderr.on('error', () => undefined);

const terminal = processTerminal();
try {
  await createProgram(terminal).parseAsync();
  process.exit(0);
} catch (error) {
  const { exitCode, message } = failureOf(error);
  if (message !== '') terminal.err(`takeoff: ${message}\n`);
  process.exit(exitCode);
}
