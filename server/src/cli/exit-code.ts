// What a failed command says and with which code the program ends: 2 when a flag, a variable or the configuration must
// change, 1 for everything else.
import { CommanderError } from 'commander';
import { ConfigError, ReaderError, TakeoffError } from '../errors.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export interface Failure {
  readonly exitCode: number;
  /** Empty where commander has said it already. */
  readonly message: string;
}

export function failureOf(error: unknown): Failure {
  // commander "fails" with code 0 after --help and --version.
  if (error instanceof CommanderError)
    return { exitCode: error.exitCode === 0 ? 0 : EXIT_USAGE, message: '' };
  if (error instanceof ConfigError) return { exitCode: EXIT_USAGE, message: error.message };
  // Carries what the readers said of themselves, codes included.
  if (error instanceof ReaderError) return { exitCode: EXIT_FAILED, message: error.message };
  if (error instanceof TakeoffError && error.code !== 'defect') {
    return { exitCode: EXIT_FAILED, message: `${error.message} (${error.code})` };
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT_FAILED, message: `A defect of Takeoff; please report it.\n${trace}` };
}
