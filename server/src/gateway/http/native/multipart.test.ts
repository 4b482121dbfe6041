import { describe, expect, it } from 'vitest';
import { MAX_PARTS } from '../connection/http-limits.js';
import { parseMultipart } from './multipart.js';

const TYPE = 'multipart/form-data; boundary=B';

/** Names and contents of the parts; bytes are shown as Latin-1. */
const partsOf = (body: string, type = TYPE): (readonly [string | null, string])[] =>
  parseMultipart(Buffer.from(body, 'latin1'), type).map(
    ({ name, content }) => [name, content.toString('latin1')] as const,
  );

const part = (name: string, content: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
const TWO = [
  ['a', '1'],
  ['b', '2'],
];

describe('parseMultipart', () => {
  it.each<[string, string]>([
    ['as clients write it', `${part('a', '1')}${part('b', '2')}--B--\r\n`],
    ['without a line break at the end', `${part('a', '1')}${part('b', '2')}--B--`],
    ['with text in front and behind', `hello\r\n${part('a', '1')}${part('b', '2')}--B--\r\nbye --B\r\n`],
    ['with an empty line in front', `\r\n${part('a', '1')}${part('b', '2')}--B--\r\n`],
    [
      'with blanks behind every boundary',
      `${part('a', '1')}${part('b', '2')}--B--\r\n`
        .replaceAll('--B\r', '--B \t\r')
        .replace('--B--', '--B-- \t'),
    ],
    ['with line feeds alone', `${part('a', '1')}${part('b', '2')}--B--\r\n`.replaceAll('\r\n', '\n')],
    [
      'with line feeds alone and blanks',
      `${part('a', '1')}${part('b', '2')}--B--`.replaceAll('\r\n', '\n').replaceAll('--B\n', '--B  \n'),
    ],
    [
      'with line feeds alone in headers',
      `${part('a', '1')}${part('b', '2')}--B--`.replaceAll('"\r\n\r\n', '"\n\n'),
    ],
    [
      'with line feeds alone around boundaries',
      `${part('a', '1')}${part('b', '2')}--B--`.replaceAll('\r\n--B', '\n--B'),
    ],
  ])('reads a form %s', (_, body) => expect(partsOf(body)).toEqual(TWO));

  it.each(['multipart/form-data; boundary="B"', 'multipart/form-data;charset=utf-8;Boundary = B ; x=y'])(
    'finds the boundary in %j',
    (type) => expect(partsOf(`${part('a', '1')}--B--`, type)).toEqual([['a', '1']]),
  );

  it('gives contents byte for byte, line breaks at their ends and lines like boundaries included', () => {
    for (const content of [
      '',
      '\r',
      '\n',
      '\r\n',
      'x\r\n\r\n',
      '\r\n--',
      '\n--Bx\r\n',
      ' --B',
      '--B--x',
      '\xff\x00\r\r',
    ])
      expect(partsOf(`${part('a', content)}--B--\r\n`)).toEqual([['a', content]]);
  });

  it('keeps a carriage return at the end of a content whose lines end with line feeds alone', () => {
    expect(partsOf('--B\nContent-Disposition: form-data; name="a"\n\nx\r\n--B--\n')).toEqual([['a', 'x\r']]);
  });

  it.each<[string, string | null]>([
    ['form-data; name="a"', 'a'],
    ['form-data; name=a', 'a'],
    ['form-data; filename="x; name=b"; name="a"', 'a'],
    ['FORM-DATA;NAME="a"; filename="C:\\x\\"', 'a'],
    ['form-data;\r\n name="a"', 'a'],
    ['form-data; filename="a"', null],
    ['form-data', null],
    ['attachment; name="a"', null],
  ])('names a part by %j: %j', (disposition, name) =>
    expect(partsOf(`--B\r\nX: y\r\nContent-Disposition: ${disposition}\r\n\r\n1\r\n--B--`)).toEqual([
      [name, '1'],
    ]),
  );

  it('takes a part without headers as one without a name', () => {
    expect(partsOf('--B\r\n\r\nx\r\n--B--')).toEqual([[null, 'x']]);
  });

  it.each<[string, string, RegExp]>([
    ['that is cut', part('a', '1'), /without its last boundary/u],
    ['of another boundary', '--C\r\n\r\nx\r\n--C--', /does not occur/u],
    ['with a boundary inside a line only', 'x--B\r\n\r\nx--B--', /does not occur/u],
    ['with two boundaries in a row', '--B\r\n--B--\r\n', /no empty line/u],
    [
      'with a part of headers alone',
      '--B\r\nContent-Disposition: form-data; name="a"\r\n--B--',
      /no empty line/u,
    ],
  ])('refuses a form %s', (_, body, message) => expect(() => partsOf(body)).toThrow(message));

  it('refuses a Content-Type without a boundary', () => {
    expect(() => partsOf('--B--', 'multipart/form-data')).toThrow(/names no boundary/u);
  });

  it('takes as many parts as are allowed and no more', () => {
    const parts = (count: number): string => `${part('a', '').repeat(count)}--B--`;
    expect(partsOf(parts(MAX_PARTS))).toHaveLength(MAX_PARTS);
    expect(() => partsOf(parts(MAX_PARTS + 1))).toThrow(/more than 32 parts/u);
  });

  it.each<[string, string]>([
    ['lines that begin like a boundary', '\n--B'],
    ['boundaries and blanks', `\n--B${' '.repeat(1000)}`],
    ['line feeds', '\n'],
    ['headers', 'a:b\r\n'],
    ['semicolons', ';'],
  ])('reads megabytes of %s within a moment', (_, piece) => {
    const body = `--B\r\nContent-Disposition: form-data; ${piece.repeat(8_000_000 / piece.length)}`;
    const startedMs = performance.now();
    expect(() => partsOf(body)).toThrow(/multipart/u);
    // Quadratic time would be hours.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});
