import { describe, expect, it } from 'vitest';
import { readOrientation } from './orientation.js';

const ORIENTATION = 0x0112;
const [BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_SHORT, SIGNED_LONG] = [
  1, 2, 3, 4, 5, 7, 8, 9,
] as const;

interface Entry {
  readonly tag?: number;
  readonly type?: number;
  readonly count?: number;
  /** Of two bytes each. */
  readonly values?: readonly number[];
}
interface Structure {
  readonly isLittle?: boolean;
  readonly entries?: readonly Entry[];
  readonly directoryAt?: number;
  /** The number of entries that the directory states. */
  readonly stated?: number;
  readonly behind?: readonly number[];
}

/** A TIFF structure with one directory. */
function tiff({ isLittle = false, entries = [{}], directoryAt = 8, stated, behind = [] }: Structure): Buffer {
  const bytes = Buffer.alloc(directoryAt + 6 + entries.length * 12 + behind.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.write(isLittle ? 'II' : 'MM', 'latin1');
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, directoryAt, isLittle);
  view.setUint16(directoryAt, stated ?? entries.length, isLittle);
  entries.forEach(({ tag = ORIENTATION, type = SHORT, count = 1, values = [6] }, index) => {
    const at = directoryAt + 2 + index * 12;
    view.setUint16(at, tag, isLittle);
    view.setUint16(at + 2, type, isLittle);
    view.setUint32(at + 4, count, isLittle);
    values.forEach((value, position) => view.setUint16(at + 8 + position * 2, value, isLittle));
  });
  bytes.set(behind, bytes.length - behind.length);
  return bytes;
}

describe('readOrientation', () => {
  describe.each([false, true])('in little-endian data: %s', (isLittle) => {
    it.each([1, 2, 3, 4, 5, 6, 7, 8])('reads %i', (value) => {
      expect(readOrientation(tiff({ isLittle, entries: [{ values: [value] }] }))).toBe(value);
    });

    it.each([SHORT, LONG, SIGNED_SHORT, SIGNED_LONG])('reads a number of type %i', (type) => {
      const values = type === SHORT || type === SIGNED_SHORT || isLittle ? [6, 0] : [0, 6];
      expect(readOrientation(tiff({ isLittle, entries: [{ type, values }] }))).toBe(6);
    });

    it.each([BYTE, ASCII, UNDEFINED, 99])('takes nothing of type %i', (type) => {
      expect(readOrientation(tiff({ isLittle, entries: [{ type, values: [0x0606, 0] }] }))).toBe(1);
    });

    it('finds values that do not fit the entry, and none that lie outside', () => {
      const fraction = isLittle ? [12, 0, 0, 0, 2, 0, 0, 0] : [0, 0, 0, 12, 0, 0, 0, 2];
      const at = (offset: number): Entry => ({
        type: RATIONAL,
        values: isLittle ? [offset, 0] : [0, offset],
      });
      expect(readOrientation(tiff({ isLittle, entries: [at(26)], behind: fraction }))).toBe(6);
      expect(readOrientation(tiff({ isLittle, entries: [at(27)], behind: fraction }))).toBe(1);
    });
  });

  it('finds the tag among others, whatever their order and wherever their values lie', () => {
    const make: Entry = { tag: 0x010f, type: ASCII, count: 6, values: [0xffff, 0xffff] };
    const later: Entry = { tag: 0x0213, values: [1] };
    expect(readOrientation(tiff({ entries: [make, later, {}] }))).toBe(6);
    expect(readOrientation(tiff({ directoryAt: 30 }))).toBe(6);
  });

  it('takes the last of several, and the first value of a list', () => {
    expect(readOrientation(tiff({ entries: [{ values: [6] }, { values: [3] }] }))).toBe(3);
    expect(readOrientation(tiff({ entries: [{ count: 2, values: [6, 3] }] }))).toBe(6);
    expect(readOrientation(tiff({ entries: [{ count: 0 }] }))).toBe(1);
  });

  it('skips prefixes, as many as there are', () => {
    const prefix = Buffer.from('Exif\0\0', 'latin1');
    expect(readOrientation(Buffer.concat([prefix, tiff({})]))).toBe(6);
    expect(readOrientation(Buffer.concat([prefix, prefix, tiff({})]))).toBe(6);
  });

  it.each([0, 9, 65_535])('turns nothing by the senseless value %i', (value) => {
    expect(readOrientation(tiff({ entries: [{ values: [value] }] }))).toBe(1);
  });

  it('reads what is there of data that are cut anywhere', () => {
    const whole = tiff({});
    for (let length = 0; length <= whole.length; length += 1)
      expect(readOrientation(whole.subarray(0, length)), String(length)).toBe(length < 22 ? 1 : 6);
    expect(readOrientation(tiff({ stated: 60_000 }))).toBe(6);
    expect(readOrientation(Buffer.from('hello, this is no TIFF structure'))).toBe(1);
    expect(readOrientation(Buffer.alloc(64, 0xff))).toBe(1);
  });
});
