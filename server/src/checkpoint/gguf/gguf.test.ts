import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError, Defect } from '../../errors.js';
import { ByteCursor } from '../files/byte-cursor.js';
import { TENSOR_TYPES } from '../../model/tensor-types.js';
import { decodeGguf } from './decode.js';
import { encodeGgufHead } from './encode.js';
import { GgufFile } from './gguf-file.js';
import { GGUF_TENSOR_TYPES } from './type-table.js';
import { bool, f32, f32s, i32s, text, texts, u32, type GgufMetadata, type GgufValue } from './value.js';
import { GgufWriter, writeFailure } from './writer.js';

const metadata: GgufMetadata = new Map<string, GgufValue>([
  ['general.architecture', text('llama')],
  ['a.u32', u32(7)],
  ['a.f32', f32(0.5)],
  ['a.bool', bool(true)],
  ['a.texts', texts(['▁a', '', '🦙'])],
  ['a.floats', f32s([1, -2.5])],
  ['a.ints', i32s([-1, 2])],
  ['a.wide', { type: 'u64', value: 2n ** 63n }],
  ['a.bytes', { type: 'numbers', of: 'u8', value: [1, 255] }],
  ['a.shorts', { type: 'numbers', of: 'i16', value: [-300] }],
  ['a.signed', { type: 'i8', value: -5 }],
  ['a.word', { type: 'u16', value: 65_535 }],
  ['a.double', { type: 'f64', value: Math.PI }],
  ['a.bools', { type: 'bools', of: 'bool', value: [true, false] }],
  ['a.wides', { type: 'bigints', of: 'i64', value: [-1n, 5n] }],
]);
const tensors = [
  { name: 'x', dimensions: [3, 2], type: 'F32' as const },
  { name: 'y', dimensions: [64], type: 'Q8_0' as const },
  { name: 'z', dimensions: [1], type: 'F16' as const },
];
const head = encodeGgufHead(metadata, tensors);
const whole = new Uint8Array(head.fileBytes);
whole.set(head.bytes);
const decode = (bytes: Uint8Array) => decodeGguf(new ByteCursor(bytes, bytes.length, 'm.gguf'));

describe('GGUF head', () => {
  it('comes back as it was written, tensors aligned to 32 bytes', () => {
    const decoded = decode(whole);
    expect(decoded.metadata).toEqual(metadata);
    expect(
      decoded.tensors.map(({ name, dimensions, type, sizeBytes }) => ({ name, dimensions, type, sizeBytes })),
    ).toEqual([
      { name: 'x', dimensions: [3, 2], type: 'F32', sizeBytes: 24 },
      { name: 'y', dimensions: [64], type: 'Q8_0', sizeBytes: 68 },
      { name: 'z', dimensions: [1], type: 'F16', sizeBytes: 2 },
    ]);
    for (const [index, tensor] of decoded.tensors.entries()) {
      expect(tensor.offsetBytes % 32).toBe(0);
      expect(tensor.offsetBytes).toBe(head.tensors[index]?.offsetBytes);
    }
  });

  it('keeps every value at the places where the growing buffer is replaced', () => {
    // 64 KiB is the first buffer: each kind of value is made to straddle its end at every offset.
    for (let filler = 65_536 - 120; filler < 65_536; filler++) {
      const large: GgufMetadata = new Map([['filler', text('x'.repeat(filler - 24 - 26))], ...metadata]);
      const bytes = encodeGgufHead(large, []).bytes;
      expect(decode(bytes).metadata).toEqual(large);
    }
  });

  it('is refused at every shorter length', () => {
    const lastByte = (head.tensors.at(-1)?.offsetBytes ?? 0) + 2;
    for (let length = 0; length < lastByte; length += length < 2000 ? 1 : 16)
      expect(() => decode(whole.slice(0, length))).toThrow(CheckpointError);
    expect(() => decode(whole.slice(0, lastByte))).not.toThrow();
  });

  const patched = (offset: number, value: bigint) => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setBigUint64(offset, value, true);
    return bytes;
  };
  it('refuses counts that the file cannot hold', () => {
    expect(() => decode(patched(8, 2n ** 40n))).toThrow('tensors are announced');
    expect(() => decode(patched(16, 2n ** 40n))).toThrow('metadata keys are announced');
    expect(() => decode(patched(8, 2n ** 63n))).toThrow('no file can hold');
  });

  it('refuses other magic numbers, versions and big-endian files', () => {
    expect(() => decode(patched(0, 0n))).toThrow('no GGUF file');
    expect(() => decode(patched(0, 0x1_4655_4747n))).toThrow('version 1');
    expect(() => decode(patched(0, 0x300_0000_4655_4747n))).toThrow('version 50331648');
  });

  it('refuses keys and tensors that occur twice, arrays of arrays and unknown types', () => {
    const twice = encodeGgufHead(new Map(), [tensors[0]!, tensors[0]!]);
    const bytes = new Uint8Array(twice.fileBytes);
    bytes.set(twice.bytes);
    expect(() => decode(bytes)).toThrow('Tensor x occurs twice');
    const one = encodeGgufHead(new Map([['k', u32(1)]]), []).bytes;
    const typeOffset = 24 + 8 + 1;
    for (const [id, reason] of [
      [9, 'unknown type 1'],
      [13, 'unknown type 13'],
    ] as const) {
      const changed = one.slice();
      new DataView(changed.buffer, changed.byteOffset).setUint32(typeOffset, id, true);
      if (id === 9) new DataView(changed.buffer, changed.byteOffset).setUint32(typeOffset + 4, 99, true);
      expect(() => decode(changed)).toThrow(id === 9 ? 'unknown type 99' : reason);
    }
  });

  it('refuses tensors that do not follow one another', () => {
    const bytes = whole.slice();
    const secondOffset = Buffer.from(bytes).lastIndexOf('y') + 1 + 4 + 8 + 4;
    new DataView(bytes.buffer).setBigUint64(secondOffset, 0n, true);
    expect(() => decode(bytes)).toThrow('begins at 0 instead of 32');
  });

  it('has the block layouts of the types this program computes with', () => {
    for (const [name, { ggmlId, blockElements, blockBytes }] of Object.entries(TENSOR_TYPES))
      expect(GGUF_TENSOR_TYPES.get(ggmlId)).toEqual({ name, blockElements, blockBytes });
  });

  it('cannot plan a tensor whose rows are no whole blocks', () => {
    expect(() => encodeGgufHead(new Map(), [{ name: 'y', dimensions: [33], type: 'Q8_0' }])).toThrow(Defect);
    expect(() => encodeGgufHead(new Map(), [{ name: 'y'.repeat(64), dimensions: [1], type: 'F32' }])).toThrow(
      Defect,
    );
  });
});

describe('GgufWriter', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'takeoff-gguf-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes pieces in any order and names the file only when it is complete', async () => {
    const path = join(folder, 'a.gguf');
    const writer = await GgufWriter.create(path, metadata, tensors);
    await writer.write('z', 0, Uint8Array.of(1, 2));
    await writer.write('x', 12, new Uint8Array(12).fill(5));
    await writer.write('y', 0, new Uint8Array(68).fill(6));
    expect(existsSync(path)).toBe(false);
    await expect(writer.finish()).rejects.toThrow('Tensor x got 12 of its 24 bytes');
    await writer.write('x', 0, new Uint8Array(12).fill(4));
    await writer.finish();
    expect(readFileSync(path)).toHaveLength(writer.fileBytes);
    const file = await GgufFile.open(path);
    const x = file.tensors.get('x')!;
    expect(await file.read(x)).toEqual(
      Uint8Array.from([...new Array<number>(12).fill(4), ...new Array<number>(12).fill(5)]),
    );
    expect(await file.read(x, 10, 4)).toEqual(Uint8Array.of(4, 4, 5, 5));
    await expect(file.read(x, 20, 8)).rejects.toThrow('more are asked for');
    expect([file.number('a.u32'), file.string('a.f'), file.numbers('a.wides')]).toEqual([
      7,
      undefined,
      [-1, 5],
    ]);
    expect(() => file.string('a.u32')).toThrow('a.u32 should be a string');
    expect(() => file.require(file.number('a.none'), 'a.none')).toThrow('a.none is missing');
    await file.close();
  });

  it('refuses pieces that belong to no tensor', async () => {
    const writer = await GgufWriter.create(join(folder, 'b.gguf'), metadata, tensors);
    await expect(writer.write('w', 0, new Uint8Array(1))).rejects.toThrow(Defect);
    await expect(writer.write('z', 1, new Uint8Array(2))).rejects.toThrow(Defect);
    await writer.abandon();
  });

  it('leaves nothing behind when it is abandoned', async () => {
    const path = join(folder, 'c.gguf');
    const writer = await GgufWriter.create(path, metadata, tensors);
    await writer.abandon();
    await writer.abandon();
    expect([existsSync(path), existsSync(`${path}.partial`)]).toEqual([false, false]);
  });

  it('says what to do about a full disk and about a folder that cannot be written to', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC', errno: -28 });
    expect(writeFailure('/m.gguf', full)).toMatchObject({
      code: 'checkpoint.unreadable',
      message: expect.stringContaining('The disk is full') as unknown,
    });
    await expect(GgufWriter.create(join(folder, 'no', 'x.gguf'), metadata, tensors)).rejects.toThrow(
      'TAKEOFF_REPOSITORY_PATH',
    );
  });
});
