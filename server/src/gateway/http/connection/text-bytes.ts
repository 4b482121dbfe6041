// How much text a request may bring, for APIs that name the field.
import { InputError } from '../../../errors.js';
import type { HttpLimits } from './http-limits.js';

/** @throws InputError request.prompt_too_large */
export function validateTextBytes(
  texts: readonly string[],
  field: string,
  { maxPromptStringBytes }: Pick<HttpLimits, 'maxPromptStringBytes'>,
): void {
  // Lengths first, which cost nothing: texts that repeat a part of the request would take as much memory as all of them together, once
  // their bytes are looked at.
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const isTooLong = characters > maxPromptStringBytes;
  const bytes = isTooLong ? characters : texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= maxPromptStringBytes) return;
  throw new InputError(
    'request.prompt_too_large',
    `${field} has ${isTooLong ? 'at least ' : ''}${bytes} bytes of text; allowed are ${maxPromptStringBytes}. The operator can raise max_prompt_string_bytes.`,
    { details: { field, setting: 'max_prompt_string_bytes', got: bytes, allowed: maxPromptStringBytes } },
  );
}
