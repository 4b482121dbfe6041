// The ways a checkpoint can be at fault, one constructor each, so that every message of this folder names the file first.
import { CheckpointError } from '../errors.js';

interface FailureOptions {
  readonly cause?: unknown;
}

/** The bytes contradict their own format: truncated, overlapping, out of range. */
export function malformed(file: string, message: string, options: FailureOptions = {}): CheckpointError {
  return new CheckpointError('checkpoint.malformed', `${file}: ${message}`, options);
}

/** Well formed, but something this program does not load; the message says what would work. */
export function unsupported(file: string, message: string, options: FailureOptions = {}): CheckpointError {
  return new CheckpointError('checkpoint.unsupported', `${file}: ${message}`, options);
}

/** Nothing is at the path. */
export function missing(file: string, message: string, options: FailureOptions = {}): CheckpointError {
  return new CheckpointError('checkpoint.missing', `${file}: ${message}`, options);
}

/** A part of the checkpoint is not there: tensors, a shard, the vision tower. */
export function incomplete(file: string, message: string, options: FailureOptions = {}): CheckpointError {
  return new CheckpointError('checkpoint.incomplete', `${file}: ${message}`, options);
}

/** The operating system refused a read or a write. */
export function unreadable(file: string, message: string, cause: unknown): CheckpointError {
  return new CheckpointError('checkpoint.unreadable', `${file}: ${message}`, { cause });
}

/** Throws checkpoint.cancelled when the work was called off. */
export function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new CheckpointError('checkpoint.cancelled', 'The work was called off before it was complete.', {
      cause: signal.reason,
    });
  }
}

/** Names in a message: the first few, then how many more. */
export function listNames(names: readonly string[], shown = 8): string {
  const rest = names.length - shown;
  return names.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
