// Refusals of constraints, which say what of a request cannot be enforced or costs too much. Names and values of clients can be long,
// so they are shortened: the gateway takes a reader whose messages are endless for a broken one.
import { InputError } from '../../errors.js';

const MAX_SHOWN_CHARACTERS = 200;

/**
 * @param path into the constraint: the field of the request, and what follows it behind slashes
 * @param why follows the path
 */
export const unsupported = (path: string, why: string): InputError =>
  new InputError(
    'request.constraint_unsupported',
    `${shortened(path)} ${why}. docs/structured-output.md lists what can be enforced.`,
    { details: { field: fieldOf(path) } },
  );

export const tooLarge = (path: string, what: string, allowed: number): InputError =>
  new InputError('request.constraint_too_large', `${shortened(path)} ${what}; allowed are ${allowed}.`, {
    details: { field: fieldOf(path) },
  });

/** Of one that is small enough and takes too long or too much memory all the same. */
export const tooCostly = (field: string, why: string, timeoutMs: number): InputError =>
  new InputError(
    'request.constraint_too_large',
    `${field} costs more than one answer may: ${firstLines(why)}. Make it smaller; the operator can raise constraint_timeout_ms, which is ${timeoutMs}.`,
    { details: { field } },
  );

/** llguidance quotes the grammar over many lines; the first ones say what is wrong. */
export const firstLines = (text: string): string => text.split('\n').slice(0, 4).join(' ').slice(0, 500);

export const shown = (value: unknown): string => shortened(JSON.stringify(value));

/** In the middle, because the keyword is at the end of its path. */
function shortened(text: string): string {
  if (text.length <= MAX_SHOWN_CHARACTERS) return text;
  const kept = MAX_SHOWN_CHARACTERS / 2;
  return `${text.slice(0, kept)}…${text.slice(-kept)}`;
}

const fieldOf = (path: string): string => path.split('/', 1)[0] ?? path;
