// Images inside requests: data URLs, and bare base64 as some libraries put it beside a media type. The declared type is not
// believed, because clients write it by rote; what the bytes are is for the intake to see.
import { invalidField } from './fields.js';

const DATA_URL = /^data:/iu;
const ENDS_WITH_BASE64 = /;\s*base64\s*$/iu;
const NOT_A_DIGIT = /[^A-Za-z0-9+/_-]/u;
const WHITE_SPACE = /\s+/gu;

export const isDataUrl = (url: string): boolean => DATA_URL.test(url);

/** @throws InputError request.field_invalid */
export function decodeDataUrl(url: string, field: string): Uint8Array {
  const comma = url.indexOf(',');
  if (comma === -1 || !ENDS_WITH_BASE64.test(url.slice(0, comma)))
    throw invalidField(field, url, 'a data URL of the form data:image/png;base64,…');
  return decodeBase64(url.slice(comma + 1), field);
}

/**
 * Both alphabets, with line breaks and with or without padding: encoders differ in all three.
 * @throws InputError request.field_invalid
 */
export function decodeBase64(text: string, field: string): Uint8Array {
  const digits = text.replaceAll(WHITE_SPACE, '').replace(/={1,2}$/u, '');
  const wrongAt = digits.search(NOT_A_DIGIT);
  if (wrongAt !== -1) {
    const character = JSON.stringify(String.fromCodePoint(digits.codePointAt(wrongAt) ?? 0));
    throw invalidField(
      field,
      text,
      `base64, which has no ${character} (character ${wrongAt + 1} of the data)`,
    );
  }
  // Four digits are three bytes; two or three are one or two.
  if (digits.length === 0 || digits.length % 4 === 1)
    throw invalidField(field, text, `base64 of at least one byte, whole; this has ${digits.length} digits`);
  return Buffer.from(digits, 'base64');
}
