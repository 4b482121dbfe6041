// Python counts the characters of a text in code points, JavaScript in UTF-16 units.

const PAIR = /[\uD800-\uDBFF][\uDC00-\uDFFF]/;
const PAIRS = new RegExp(PAIR, 'g');

export const codePointCount = (text: string): number => text.length - (text.match(PAIRS)?.length ?? 0);

/** Where the code point `index` begins, in UTF-16 units; the length where there is none. */
export function offsetOf(text: string, index: number): number {
  if (index <= 0) return 0;
  if (!PAIR.test(text)) return Math.min(index, text.length);
  let offset = 0;
  for (let count = 0; count < index && offset < text.length; count += 1)
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return offset;
}
