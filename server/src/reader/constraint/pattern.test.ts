import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { patternOfChoices, translatePattern } from './pattern.js';

const takeoff = (pattern: string) => translatePattern(pattern, 'takeoff', 'regex_string');
const schema = (pattern: string) => translatePattern(pattern, 'json_schema', 'pattern');
const refusalOf = (pattern: string): InputError => {
  try {
    takeoff(pattern);
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error(`${pattern} was not refused.`);
};

describe('translatePattern', () => {
  it.each([
    ['ab', 'ab'],
    ['a|(?:b|c)d', 'a|(?:b|c)d'],
    ['(?P<year>\\d{4})-(?<month>\\d{2})', '(?:[0-9]{4})\\x{2D}(?:[0-9]{2})'],
    ['a*?b+?c??d{2,}?', 'a*b+c?d{2,}'],
    ['a{,3}', 'a{0,3}'],
    ['[^a-f\\d_-]', '[^a-f0-9\\x{5F}\\x{2D}]'],
    ['\\w\\S', '[0-9A-Za-z_][^\\x{9}-\\x{D}\\x{20}]'],
    ['.', '[^\\n]'],
    ['é😀\\u00e9\\uD83D\\uDE00\\x41\\n\\.', '\\x{E9}\\x{1F600}\\x{E9}\\x{1F600}A\\x{A}\\x{2E}'],
    ['^ab$', 'ab'],
    // What Rust would read as operations on sets, or as a class of another kind.
    ['[a&&b]', '[a\\x{26}\\x{26}b]'],
    ['[[:alpha:]]', '[\\x{5B}\\x{3A}alph\\x{3A}]\\x{5D}'],
  ])('writes %s anew', (pattern, expected) => {
    expect(takeoff(pattern)).toBe(expected.replace('alph', 'alpha'));
  });

  it('keeps the anchors of a pattern in a schema, where it may describe a part', () => {
    expect([schema('ab'), schema('^ab'), schema('^(a|b)$')]).toEqual(['(?:ab)', '^(?:ab)', '^(?:(?:a|b))$']);
    expect(schema('.')).toBe('(?:[^\\x{0}-\\x{1F}\\x{2028}\\x{2029}])');
  });

  it('leaves control characters out of the classes of a schema, whose escapes would let quotes through', () => {
    expect(schema('[^"]\\D')).toBe('(?:[^\\x{22}\\x{0}-\\x{1F}][^0-9\\x{0}-\\x{1F}])');
    expect(() => schema('[\\x00-\\x7f]')).toThrow('control characters');
    expect(takeoff('[^"]')).toBe('[^\\x{22}]');
  });

  it.each([
    ['(?=a)b', 'look-ahead'],
    ['(?<!a)b', 'look-behind'],
    ['(a)\\1', '\\1'],
    ['(?P<x>a)(?P=x)', 'reference'],
    ['\\bfoo', '\\b'],
    ['\\p{L}', '\\p'],
    ['(?i)a', 'flags'],
    ['(?>a)', 'atomic'],
    ['(?(1)a|b)', 'conditional'],
    ['a*+', 'possessive'],
    ['a**', 'behind a quantifier'],
    ['a^b', 'anchor ^'],
    ['a$b', 'anchor $'],
    ['^a|b$', 'anchor beside'],
    ['a{', 'begins no count'],
    ['a{3,2}', '{3,2}'],
    ['[]a]', 'class that begins with ]'],
    ['[z-a]', 'range'],
    ['[\\D]', 'inside of a class'],
    ['\\uD83D', 'surrogate'],
    ['(a', 'without its )'],
    ['a)', 'without its ('],
    ['[a', 'end in the middle'],
    ['+a', 'nothing before it'],
  ])('refuses %s by name', (pattern, named) => {
    const { code, message } = refusalOf(pattern);
    expect(code).toBe('request.constraint_unsupported');
    expect(message).toContain(named);
    expect(message).toMatch(/^regex_string has /);
  });

  it.each([
    'a{10001}',
    '(a{200}){200}',
    '((a{30}b){30}){30}',
    `${'('.repeat(40)}a${')'.repeat(40)}`,
    'a'.repeat(20_000),
  ])('refuses what is larger than allowed: %.20s', (pattern) => {
    expect(refusalOf(pattern).code).toBe('request.constraint_too_large');
  });
});

it('patternOfChoices matches the choices as they are written', () => {
  expect(patternOfChoices(['a.b', 'ü|"'])).toBe('a\\x{2E}b|\\x{FC}\\x{7C}\\x{22}');
});
