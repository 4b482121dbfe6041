import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseJson, parseJsonFile } from './json-file.js';

const schema = z.object({ a: z.number().nullish(), b: z.object({ c: z.string() }).nullish() });
const bytes = (text: string) => new TextEncoder().encode(text);

describe('parseJsonFile', () => {
  it('has nothing to say of plain JSON, with or without a byte-order mark', () => {
    for (const text of ['{"a": 1}', '\uFEFF{"a": 1}'])
      expect(parseJsonFile(bytes(text), 'f.json', schema)).toMatchObject({ value: { a: 1 }, warnings: [] });
  });

  it('warns with file, line and key of what is odd in a value that nobody reads', () => {
    const { value, warnings } = parseJsonFile(bytes('{"a": 1,\n"lr": NaN}'), 'f.json', schema);
    expect(value).toEqual({ a: 1 });
    expect(warnings).toEqual([
      'f.json: lr (line 2) is NaN, which JSON does not have; it is read as Python writes it.',
    ]);
    const many = parseJsonFile(bytes(`{"x": [${'NaN, '.repeat(7)}0]}`), 'f.json', schema);
    expect(many.warnings).toHaveLength(6);
    expect(many.warnings[5]).toBe('f.json: 2 more values are odd in the same way.');
  });

  it('refuses a value that cannot be used, with file, line and key', () => {
    expect(() => parseJsonFile(bytes('{"a": NaN}'), 'f.json', schema)).toThrow('f.json: a (line 1): ');
    expect(() => parseJsonFile(bytes('{"b":\n{"c": 1}}'), 'f.json', schema)).toThrow(
      'f.json: b.c (line 2): ',
    );
    expect(() => parseJsonFile(bytes('[]'), 'f.json', schema)).toThrow('f.json: The top level (line 1): ');
  });

  it('names the place of a value on demand', () => {
    const { place } = parseJsonFile(bytes('{"a": 1,\n"b": {\n"c": "x"}}'), 'f.json', schema);
    expect(place(['b', 'c'])).toBe('f.json: b.c (line 3)');
    expect(place(['gone'])).toBe('f.json: gone');
  });
});

describe('parseJson', () => {
  it('takes no oddity: headers of weights are JSON', () => {
    expect(parseJson(bytes('{"a": 1}'), 'f', schema)).toEqual({ a: 1 });
    expect(() => parseJson(bytes('{"a": 1, "x": NaN}'), 'f', schema)).toThrow('not valid JSON: line 1');
    expect(() => parseJson(bytes('{"a": 1,}'), 'f', schema)).toThrow('not valid JSON: line 1');
    expect(() => parseJson(bytes('{"a": }'), 'f', schema)).toThrow('line 1, column 7: expected a value');
  });
});
