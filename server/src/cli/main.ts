// The program `takeoff`: runs the command of the command line. The only file that ends the process.
import { failureOf } from './exit-code.js';
import { createProgram } from './program.js';
import { processTerminal } from './terminal.js';

const terminal = processTerminal();
try {
  await createProgram(terminal).parseAsync();
  process.exit(0);
} catch (error) {
  const { exitCode, message } = failureOf(error);
  if (message !== '') terminal.err(`takeoff: ${message}\n`);
  process.exit(exitCode);
}
