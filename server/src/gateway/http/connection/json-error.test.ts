import { describe, expect, it } from 'vitest';
import { findJsonError } from './json-error.js';

const placeOf = (text: string): string => {
  const { line, column, what } = findJsonError(text);
  return `${line}:${column} ${what}`;
};

describe('findJsonError', () => {
  it.each([
    ['', '1:1 the text ends where a value should be'],
    ['not json', '1:1 "n" stands where a value should be'],
    ['{"text": "a", "max_new_tokens": 4,}', '1:35 "}" stands where a name in double quotes should be'],
    ['{"text":', '1:9 the text ends where a value should be'],
    ['{"text": "a"', '1:13 the text ends where a comma or the closing bracket should be'],
    ["{'text': 'a'}", '1:2 "\'" stands where a name in double quotes or } should be'],
    ['{"text" "a"}', '1:9 "\\"" stands where a colon should be'],
    ['{\n  "text": "a"\n  "b": 1\n}', '3:3 "\\"" stands where a comma or the closing bracket should be'],
    ['{"text": "a"} x', '1:15 "x" stands where the end of the text should be'],
    ['[1, 2', '1:6 the text ends where a comma or the closing bracket should be'],
    ['[1,]', '1:4 "]" stands where a value should be'],
    ['{"a": [1}', '1:9 "}" stands where a comma or the closing bracket should be'],
    ['{"text": True}', '1:10 "T" stands where a value should be'],
    ['{"a": NaN}', '1:7 "N" stands where a value should be'],
    ['{"a": 01}', '1:8 "1" stands where a comma or the closing bracket should be'],
    ['{"a": -}', '1:7 "-" stands where a value should be'],
    ['{"text": "a\nb"}', '1:12 a line break inside a string, where it is written with a backslash'],
    ['{"text": "a\tb"}', '1:12 a control character inside a string, where it is written with a backslash'],
    ['{"text": "C:\\x"}', '1:13 a backslash that begins no escape of JSON'],
    ['{"text": "abc', '1:14 the text ends inside a string'],
    ['{"text": "\\', '1:11 a backslash that begins no escape of JSON'],
    ['🦙', '1:1 "🦙" stands where a value should be'],
  ])('says what is wrong with %j', (text, expected) => expect(placeOf(text)).toBe(expected));

  const VALID = '{"a": [true, -1.5e3, "x\\u00e9\\n", {}, []],\n "b": {"c": null}}';
  it('finds the end of each beginning of a valid text, or an incomplete token in front of it', () => {
    for (let end = 0; end < VALID.length; end += 1) {
      const text = VALID.slice(0, end);
      expect(() => void JSON.parse(text)).toThrow(SyntaxError);
      const { line, column, what } = findJsonError(text);
      const offset =
        text
          .split('\n')
          .slice(0, line - 1)
          .join('\n').length +
        (line > 1 ? 1 : 0) +
        column -
        1;
      expect([end, end - offset < 7, what.includes('undefined')]).toEqual([end, true, false]);
    }
  });

  it('takes a million open brackets without running out of stack', () => {
    expect(findJsonError('['.repeat(1_000_000))).toMatchObject({ line: 1, column: 1_000_001 });
  });
});
