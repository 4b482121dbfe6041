// The message of a failed command and the program's exit code: 2 when a flag, a variable or the configuration must change, 130
// when the person at the keyboard interrupted it, 1 for everything else.
import { CommanderError } from 'commander';
import { TakeoffClientError } from 'takeoff-client';
import { CommandError, ConfigError, ReaderError, TakeoffError } from '../errors.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** 128 and the number of SIGINT, as shells report a program that the signal ended. */
const EXIT_INTERRUPTED = 130;

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
  if (isInterruption(error)) return { exitCode: EXIT_INTERRUPTED, message: messageOf(error) };
  if (error instanceof CommandError) return { exitCode: EXIT_FAILED, message: error.message };
  if (error instanceof TakeoffClientError)
    return { exitCode: EXIT_FAILED, message: `${error.message} (${error.code})` };
  // Its message already has the codes that the readers failed with.
  if (error instanceof ReaderError) return { exitCode: EXIT_FAILED, message: error.message };
  if (error instanceof TakeoffError && error.code !== 'defect') {
    return { exitCode: EXIT_FAILED, message: `${error.message} (${error.code})` };
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT_FAILED, message: `A defect of Takeoff; please report it.\n${trace}` };
}

const INTERRUPTIONS: readonly string[] = ['command.interrupted', 'checkpoint.cancelled'];

const isInterruption = (error: unknown): error is Error =>
  error instanceof TakeoffError
    ? INTERRUPTIONS.some((code) => code === error.code)
    : error instanceof Error && error.name === 'AbortError';

/** The message of an AbortError says no more than that something was aborted. */
const messageOf = (error: Error): string => (error instanceof TakeoffError ? error.message : 'interrupted');
