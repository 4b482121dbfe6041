import { describe, expect, it } from 'vitest';
import { InputError } from '../../../errors.js';
import { decodeBase64, decodeDataUrl, isDataUrl } from './base64.js';

const BYTES = Buffer.from([0xfb, 0xff, 0xfe, 0x00, 0x10]);
const PLAIN = BYTES.toString('base64');

describe('decodeDataUrl', () => {
  it.each([
    ['a type and padding', `data:image/png;base64,${PLAIN}`],
    ['a type that is a wildcard', `data:image/*;base64,${PLAIN}`],
    ['no type', `data:;base64,${PLAIN}`],
    ['parameters', `data:image/png;name=a.png;charset=utf-8;base64,${PLAIN}`],
    ['capitals and blanks', `DATA:IMAGE/PNG; BASE64 ,${PLAIN}`],
    ['no padding', `data:image/png;base64,${PLAIN.replaceAll('=', '')}`],
    ['the alphabet of URLs', `data:image/png;base64,${BYTES.toString('base64url')}`],
    ['line breaks', `data:image/png;base64,${PLAIN.slice(0, 3)}\r\n${PLAIN.slice(3)}\n`],
  ])('reads a data URL with %s', (_, url) => {
    expect(isDataUrl(url)).toBe(true);
    expect(Buffer.from(decodeDataUrl(url, 'url'))).toEqual(BYTES);
  });

  it.each([
    ['text instead of base64', 'data:text/plain,hello'],
    ['no comma', 'data:image/png;base64'],
    ['no data', 'data:image/png;base64,'],
    ['padding alone', 'data:image/png;base64,=='],
    ['a character outside base64', 'data:image/png;base64,AA*A'],
    ['padding in the middle', 'data:image/png;base64,AA==AAAA'],
    ['a percent escape', 'data:image/png;base64,AA%3D%3D'],
    ['a length that no bytes have', 'data:image/png;base64,AAAAA'],
  ])('refuses a data URL with %s, naming the field', (_, url) => {
    expect(() => decodeDataUrl(url, 'messages[0].content[1]')).toThrow(InputError);
    expect(() => decodeDataUrl(url, 'messages[0].content[1]')).toThrow(/^messages\[0\]\.content\[1\] is /u);
  });

  it('takes time in proportion to what it reads, white space and padding included', () => {
    const blanks = `data:image/png;base64,${' '.repeat(5_000_000)}*`;
    const padding = `data:image/png;base64,${'='.repeat(5_000_000)}`;
    const start = performance.now();
    expect(() => decodeDataUrl(blanks, 'url')).toThrow(InputError);
    expect(() => decodeDataUrl(padding, 'url')).toThrow(InputError);
    // Quadratic time would be hours.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

it('decodeBase64 says which character is none of base64, and where it stands', () => {
  expect(() => decodeBase64('AAAA😀', 'data')).toThrow('base64, which has no "😀" (character 5 of the data)');
});
