// Python's idea of white space (str.isspace and \s), which is not JavaScript's: it has four separators and NEL more, and no byte-order mark.

/** For a class of a regular expression. */
export const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACE = new RegExp(`[${SPACES}]`);

export const isSpace = (character: string): boolean => SPACE.test(character);

/** Which ends of a text are looked at. */
export interface Ends {
  readonly left: boolean;
  readonly right: boolean;
}

/** Where the text begins and ends, in UTF-16 units, without the characters at its ends that `strips`. */
export function innerRange(
  text: string,
  ends: Ends,
  strips: (character: string) => boolean = isSpace,
): readonly [start: number, end: number] {
  let [start, end] = [0, text.length];
  for (let next = characterAt(text, start); ends.left && start < end && strips(next);) {
    start += next.length;
    next = characterAt(text, start);
  }
  for (let last = characterBefore(text, end); ends.right && start < end && strips(last);) {
    end -= last.length;
    last = characterBefore(text, end);
  }
  return [start, end];
}

function characterAt(text: string, at: number): string {
  const codePoint = text.codePointAt(at);
  return codePoint === undefined ? '' : String.fromCodePoint(codePoint);
}

function characterBefore(text: string, end: number): string {
  const pair = characterAt(text, end - 2);
  return pair.length === 2 ? pair : text.slice(Math.max(0, end - 1), end);
}
