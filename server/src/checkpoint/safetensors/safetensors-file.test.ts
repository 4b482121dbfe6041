import { describe, expect, it } from 'vitest';
import { safetensorsBytes, withHeader } from '../fixtures/safetensors-writer.fixture.js';
import { memorySource } from '../files/memory-source.js';
import { readSafetensors } from './safetensors-file.js';

const read = (header: unknown, dataBytes: number) =>
  readSafetensors(memorySource('m.safetensors', withHeader(header, [new Uint8Array(dataBytes)])));
const entry = (dtype: string, shape: unknown, data_offsets: unknown) => ({
  t: { dtype, shape, data_offsets },
});

describe('readSafetensors', () => {
  it('finds tensors of every float type and reads their elements by position', async () => {
    const values = Float32Array.of(1, -2, 0.5, 4);
    const bytes = safetensorsBytes([
      { name: 'a', type: 'F32', shape: [2, 2], values },
      { name: 'b', type: 'BF16', shape: [4], values },
      { name: 'empty', type: 'F16', shape: [0, 3], values: new Float32Array() },
    ]);
    const [a, b, empty] = await readSafetensors(memorySource('m.safetensors', bytes));
    expect([a?.name, a?.shape, b?.elementType, empty?.shape]).toEqual(['a', [2, 2], 'BF16', [0, 3]]);
    expect(new Float32Array((await a!.read(1, 2)).buffer)).toEqual(Float32Array.of(-2, 0.5));
    expect(await b!.read(2, 1)).toEqual(Uint8Array.of(0x00, 0x3f));
  });

  it.each([
    ['a range past the end', entry('F32', [4], [0, 16]), 12, 'truncated'],
    ['bytes that no tensor claims', entry('F32', [4], [0, 16]), 20, 'truncated or not'],
    ['a size that is not shape times width', entry('F16', [4], [0, 16]), 16, 'does not fill'],
    ['a shape whose product overflows', entry('F32', [2 ** 40, 2 ** 40], [0, 16]), 16, 'does not fill'],
    ['a negative dimension', entry('F32', [-4], [0, 16]), 16, 'whole numbers'],
    ['a fractional dimension', entry('F32', [1.5], [0, 6]), 6, 'whole numbers'],
    ['offsets in reverse', entry('F32', [4], [16, 0]), 16, 'does not fill'],
    ['data that begins late', entry('F32', [4], [4, 20]), 20, 'instead of 0'],
    ['an unknown element type', entry('F4', [4], [0, 2]), 2, 'element type "F4"'],
    ['the type name of an inherited property', entry('constructor', [4], [0, 2]), 2, 'element type'],
    ['offsets that are no pair', entry('F32', [1], [0]), 4, 'data_offsets'],
    ['an entry that is no object', { t: 5 }, 0, 'dtype'],
    ['a header that is no object', [1], 0, 'top level'],
  ])('refuses %s', async (_, header, dataBytes, reason) => {
    await expect(read(header, dataBytes)).rejects.toThrow(reason);
  });

  it('refuses tensors that overlap or leave a gap', async () => {
    const two = (start: number) => ({
      a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] },
      b: { dtype: 'U8', shape: [4], data_offsets: [start, start + 4] },
    });
    await expect(read(two(3), 7)).rejects.toThrow('overlap or leave a gap');
    await expect(read(two(5), 9)).rejects.toThrow('overlap or leave a gap');
    expect(await read(two(4), 8)).toHaveLength(2);
  });

  it('refuses a header length that the file does not have, and one beyond the ceiling', async () => {
    const huge = Buffer.alloc(16);
    huge.writeBigUInt64LE(2n ** 40n);
    await expect(readSafetensors(memorySource('m', huge))).rejects.toThrow('1099511627776 bytes');
    huge.writeBigUInt64LE(2n ** 63n);
    await expect(readSafetensors(memorySource('m', huge))).rejects.toThrow('no file can hold');
    await expect(readSafetensors(memorySource('m', new Uint8Array(5)))).rejects.toThrow('too few');
  });
});
