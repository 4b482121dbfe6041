// Parses JSON that a client sent, and where it is none says at which line and column, and what should stand there. V8's own messages
// name a place only sometimes, and differ between versions of Node.
import type { ErrorCode } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import { findJsonError } from './json-error.js';

/** How a refusal names the text: its code, and the beginning of its sentence. */
export interface JsonTextFacts {
  readonly code: ErrorCode;
  /** Such as `The request body`. */
  readonly subject: string;
}

/** @throws InputError with the code of the facts */
export function parseJson(bytes: Uint8Array, { code, subject }: JsonTextFacts): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(
      code,
      `${subject} is not JSON in UTF-8: byte ${invalidByteAt(bytes) + 1} does not belong to a character.`,
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { line, column, what } = findJsonError(text);
    throw new InputError(code, `${subject} is not JSON: line ${line}, column ${column}: ${what}.`, { cause });
  }
}

/** Index of the first byte that is not UTF-8: where decoding with replacement and encoding again differs. */
function invalidByteAt(bytes: Uint8Array): number {
  const replaced = Buffer.from(Buffer.from(bytes).toString('utf8'));
  return bytes.findIndex((byte, index) => byte !== replaced[index]);
}
