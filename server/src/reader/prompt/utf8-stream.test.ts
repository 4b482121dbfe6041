import { describe, expect, it } from 'vitest';
import { Random } from '../../../../harness/random.js';
import { Utf8Stream } from './utf8-stream.js';

function decode(chunks: readonly (readonly number[])[]): string[] {
  const stream = new Utf8Stream();
  return [...chunks.map((chunk) => stream.push(Uint8Array.from(chunk))), stream.finish()];
}
const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];

describe('Utf8Stream', () => {
  it('holds back the bytes of a character until the last one is there', () => {
    expect(decode(bytesOf('🦙').map((byte) => [byte]))).toEqual(['', '', '', '🦙', '']);
    expect(decode([[0x61, 0xe6, 0x97], [0xa5, 0x62], []])).toEqual(['a', '日b', '', '']);
  });

  it('replaces each byte of a character that never ends, not the characters around it', () => {
    expect(decode([[0xe6, 0x97]])).toEqual(['', '\uFFFD\uFFFD']);
    expect(decode([[0xe6, 0x97, 0x61]])).toEqual(['\uFFFD\uFFFDa', '']);
  });

  it('goes on with the byte that broke a character off, which may begin another', () => {
    expect(decode([[0xe6, 0x97, 0xc3, 0xa9]])).toEqual(['\uFFFD\uFFFDé', '']);
  });

  it('holds nothing back behind a byte that begins no character', () => {
    for (const byte of [0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff])
      expect(decode([[byte]]), byte.toString(16)).toEqual(['\uFFFD', '']);
  });

  it('reads the first and the last character of each length', () => {
    const text = '\u0000\u007F\u0080\u07FF\u0800\uFFFF\u{10000}\u{10FFFF}';
    expect(decode([bytesOf(text)])).toEqual([text, '']);
  });

  it.each([
    ['a continuation byte alone', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong three-byte form', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong four-byte form', [0xf0, 0x80, 0x80, 0x80]],
    ['a code point above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that never occurs', [0xff]],
  ])('replaces every byte of %s', (_, bytes) => {
    expect(decode([bytes]).join('')).toBe('\uFFFD'.repeat(bytes.length));
  });

  it('keeps a byte order mark and a replacement character that were really there', () => {
    expect(decode([bytesOf('\uFEFFa\uFFFD')]).join('')).toBe('\uFEFFa\uFFFD');
  });

  it('gives the same text for every way of cutting random text into chunks', () => {
    const random = new Random(7);
    const alphabet = ['a', ' ', '\n', 'é', '日', '🦙', '👩\u200D🚀', '\u0000', '\u{10FFFF}'];
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: random.below(30) }, () => random.pick(alphabet)).join('');
      expect(decode(random.chunks(bytesOf(text), 5)).join('')).toBe(text);
    }
  });

  it('gives the same text for every way of cutting random bytes, never half a character in between', () => {
    const random = new Random(11);
    for (let round = 0; round < 300; round += 1) {
      const bytes = Array.from({ length: random.below(40) }, () => 0x60 + random.below(0xa0));
      const whole = decode([bytes]).join('');
      const chunks = decode(random.chunks(bytes, 4));
      expect(chunks.join('')).toBe(whole);
      for (const chunk of chunks)
        expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytesOf(chunk)))).toBe(
          chunk,
        );
    }
  });
});
