import { describe, expect, it } from 'vitest';
import { ByteCursor, EndOfBytes } from './byte-cursor.js';
import { memorySource } from './memory-source.js';
import { parsePrefix } from './growing-prefix.js';

const cursor = (bytes: number[], whole = bytes.length) =>
  new ByteCursor(Uint8Array.from(bytes), whole, 'file');

describe('ByteCursor', () => {
  it('reads little-endian numbers one after another', () => {
    const at = cursor([
      1, 0xff, 0x34, 0x12, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0x80, 0x3f, 5, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect([at.u8(), at.i8(), at.u16(), at.i32(), at.f32(), at.u64('n')]).toEqual([1, -1, 0x1234, -2, 1, 5]);
    expect(at.remainingBytes).toBe(0);
  });

  it('asks for more bytes where the whole has them, and calls the file malformed where it has not', () => {
    expect(() => cursor([1, 2], 8).u32()).toThrow(EndOfBytes);
    expect(() => cursor([1, 2], 3).u32()).toThrow('leaves the 3 bytes');
    expect(() => cursor([1, 2], 3).u32()).not.toThrow(EndOfBytes);
  });

  it('refuses sizes beyond 2^53 and negative ranges', () => {
    expect(() => cursor([0, 0, 0, 0, 0, 0, 0, 0x80]).u64('The offset')).toThrow(
      'The offset is 9223372036854775808',
    );
    expect(() => cursor([1]).range(-1)).toThrow('leaves');
  });

  it('refuses text that is not UTF-8', () => {
    expect(() => cursor([0xc3, 0x28]).text(2, 'A name')).toThrow('A name is not valid UTF-8');
  });

  it('reads lines up to a limit', () => {
    const at = cursor([0x61, 0x0a, 0x62, 0x0a]);
    expect([at.line(9, 'x'), at.line(9, 'x')]).toEqual(['a', 'b']);
    expect(() => cursor([0x61, 0x62, 0x63, 0x0a]).line(2, 'A line')).toThrow('longer than 2 bytes');
    expect(() => cursor([0x61, 0x62, 0x63]).line(2, 'A line')).toThrow('longer than 2 bytes');
    expect(() => cursor([0x61]).line(9, 'A line')).toThrow(EndOfBytes);
  });
});

describe('parsePrefix', () => {
  const source = memorySource('big', new Uint8Array(3_000_000).fill(7));

  it('reads a longer prefix when the first is too short', async () => {
    const lengths: number[] = [];
    const sum = await parsePrefix(source, 0, 4_000_000, (at) => {
      lengths.push(at.bytes.length);
      return at.range(400_000).length;
    });
    expect(sum).toBe(400_000);
    expect(lengths).toEqual([262_144, 2_097_152]);
  });

  it('stops at the ceiling and at the end of the file', async () => {
    await expect(parsePrefix(source, 0, 300_000, (at) => at.range(400_000))).rejects.toThrow(
      'longer than 300000',
    );
    await expect(parsePrefix(source, 0, 9_000_000, (at) => at.range(3_000_001))).rejects.toThrow('leaves');
  });

  it('passes other failures on', async () => {
    const failure = new RangeError('mine');
    const parse = () => {
      throw failure;
    };
    await expect(parsePrefix(source, 0, 1000, parse)).rejects.toBe(failure);
  });
});
