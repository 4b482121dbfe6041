// The value of a string in a template, from what stands between its quotes: Python's escapes.
import { TemplateFault, unsupported } from './template-fault.js';

const ESCAPE =
  /\\(?:([\\'"abfnrtv\n])|([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/gu;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\n', ''],
]);
const MAX_CODE_POINT = 0x10ffff;

/** @throws TemplateFault unsupported, failed */
export function stringLiteral(body: string, line: number): string {
  return body.replace(ESCAPE, (spelling: string, ...groups: readonly unknown[]) => {
    const [named, octal, x, u, long, other] = groups;
    if (typeof named === 'string' && NAMED.has(named)) return NAMED.get(named) ?? '';
    if (typeof octal === 'string') return String.fromCodePoint(Number.parseInt(octal, 8));
    const hexadecimal = [x, u, long].find((digits) => typeof digits === 'string');
    if (typeof hexadecimal === 'string') return character(Number.parseInt(hexadecimal, 16), spelling, line);
    // Python goes through the bytes of a character outside ASCII here, which nobody means.
    if (typeof other === 'string' && (/[xuUN]/.test(other) || other > '\x7f'))
      throw unsupported(`the escape ${spelling} in a string`, line);
    return spelling;
  });
}

function character(codePoint: number, spelling: string, line: number): string {
  if (codePoint > MAX_CODE_POINT)
    throw new TemplateFault('failed', `it fails: ${spelling} is no character`, line);
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) throw unsupported(`half a character, ${spelling}`, line);
  return String.fromCodePoint(codePoint);
}
