import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../harness/random.js';
import { readJson } from './json-reader.js';

const golden = readFileSync(
  new URL('../../../../test/goldens/v16-llama-anyres/checkpoint/config.json', import.meta.url),
  'utf8',
);
const valueOf = (text: string) => readJson(text, 'f').value;
const noteOf = (text: string) =>
  readJson(text, 'f').oddities.map(({ path, line, what }) => `${path.join('.')} (line ${line}) ${what}`);

/** Any JSON value of at most `depth` levels. */
function anyValue(random: Random, depth: number): unknown {
  const leaves = [null, true, false, 0, -1.5e-7, 12, 'a', '"\\/\b', '\u2028\ud83e\udd99', '__proto__', ''];
  if (depth === 0 || random.below(3) === 0) return random.pick(leaves);
  const members = Array.from({ length: random.below(4) }, () => anyValue(random, depth - 1));
  if (random.below(2) === 0) return members;
  return Object.fromEntries(members.map((member) => [String(random.pick(leaves)), member]));
}

describe('readJson', () => {
  it('reads 2,000 random values as JSON.parse does', () => {
    const random = new Random(11);
    for (let round = 0; round < 2000; round++) {
      const text = JSON.stringify(anyValue(random, 4), null, random.below(3));
      const reading = readJson(` \t\r\n${text}\n`, 'f');
      expect(reading.value, text).toEqual(JSON.parse(text));
      expect(reading.oddities).toEqual([]);
    }
  });

  it('refuses what JSON.parse refuses, wherever a configuration is cut', () => {
    for (let length = 0; length < golden.trimEnd().length; length += 7) {
      const text = golden.slice(0, length);
      expect(() => JSON.parse(text) as unknown).toThrow();
      expect(() => readJson(text, 'f'), text.slice(-20)).toThrow(
        /line \d+, column \d+: expected|the file is empty/u,
      );
    }
  });

  it.each([
    ['{"a": 1,\n  b: 2}', 'line 2, column 3: expected a key in double quotes'],
    ['{"a": 1\n "b": 2}', 'line 2, column 2: expected a comma or }'],
    ['{"a": tru}', 'line 1, column 7: expected a value'],
    ['{"a": 012}', 'line 1, column 7: expected a value'],
    ['{"a": "x\n"}', 'line 1, column 7: expected a text without control characters'],
    ['{"a": "\\x41"}', 'line 1, column 7: expected a text without control characters and with known escapes'],
    ['{"a": "x', 'line 1, column 7: expected a text that ends with a double quote'],
    ['{"a": 1} {', 'line 1, column 10: expected the end of the file'],
    ['{"a" 1}', 'expected a colon'],
    ["{'a': 1}", 'expected a key in double quotes'],
    ['[1 2]', 'expected a comma or ]'],
    ['{"a": 1} // why', 'expected the end of the file'],
    [' \n', 'the file is empty'],
    ['['.repeat(300), 'at most 256 levels'],
  ])('says where %j ends to be JSON', (text, message) => {
    expect(() => readJson(text, 'f')).toThrow(message);
  });

  it('takes the numbers that Python writes and JSON lacks, and says where they stand', () => {
    expect(valueOf('{"a": NaN, "b": [Infinity, -Infinity]}')).toEqual({ a: NaN, b: [Infinity, -Infinity] });
    expect(noteOf('{"a": 1,\n"b": {\n"c": NaN}}')).toEqual([
      'b.c (line 3) is NaN, which JSON does not have; it is read as Python writes it',
    ]);
  });

  it('takes a comma after the last entry, and no other', () => {
    expect(valueOf('{"a": [1, 2,], "b": {"c": 3,},}')).toEqual({ a: [1, 2], b: { c: 3 } });
    expect(noteOf('{\n"a": [1,\n]}')).toEqual([
      'a (line 3) ends with a comma, which JSON does not allow; it is passed over',
    ]);
    for (const text of ['[,]', '[1,,2]', '{,}', '{"a":1,,"b":2}', '[1],'])
      expect(() => readJson(text, 'f'), text).toThrow('not valid JSON');
  });

  it('leaves texts alone that only look odd', () => {
    expect(valueOf('{"NaN": "NaN", "b": ",]", "c": "\\\\"}')).toEqual({ NaN: 'NaN', b: ',]', c: '\\' });
  });

  it('gives __proto__ no meaning', () => {
    const value = valueOf('{"__proto__": {"polluted": true}, "x": NaN}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value as object)).toContain('__proto__');
    expect('polluted' in {}).toBe(false);
  });

  it('knows the line of a value by its path', () => {
    const reading = readJson(golden, 'f');
    const lineOf = (key: string) => golden.split('\n').findIndex((line) => line.includes(`"${key}"`)) + 1;
    for (const key of ['architectures', 'rms_norm_eps', 'vocab_size'])
      expect(reading.lineOf([key])).toBe(lineOf(key));
    expect(reading.lineOf(['gone'])).toBeUndefined();
  });

  it('counts many oddities without listing them, in time that grows with the file alone', () => {
    const { oddities, furtherOddities } = readJson(`[${'NaN,\n'.repeat(200_000)}1]`, 'f');
    expect([oddities.length, furtherOddities]).toEqual([5, 199_995]);
    expect(valueOf(`["${'\\"'.repeat(500_000)}"]`)).toEqual(['"'.repeat(500_000)]);
    expect(() => readJson(`[${'9'.repeat(500_000)}`, 'f')).toThrow('not valid JSON');
  });
});
