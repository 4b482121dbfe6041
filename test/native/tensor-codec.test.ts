// Conversion between weight types with ggml: exact where it must be, whole chunks and remainders, refusals.
import { expect, it } from 'vitest';
import { rowBytes, TENSOR_TYPES, type TensorType } from '../../server/src/model/tensor-types.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { floatCodec } from '../../server/src/checkpoint/fixtures/float-codec.fixture.js';
import { nativeRuntime } from '../parity/golden-case.js';

const codec = createTensorCodec(nativeRuntime());
/** Rows of 512 elements: together more than one chunk of 1 Mi elements, and a remainder. */
const ROW = 512;
const ROWS = 5003;
const values = Float32Array.from({ length: ROW * ROWS }, (_, i) => Math.sin(i) * 2 ** ((i % 13) - 6));
const source = new Uint8Array(values.buffer);
const floats = (bytes: Uint8Array) => new Float32Array(new Uint8Array(bytes).buffer);

it('the tensor codec widens 16-bit types exactly: there and back gives the same bytes', async () => {
  for (const type of ['F16', 'BF16'] as const) {
    const narrow = await codec.convert(source, 'F32', type, ROW);
    const wide = await codec.convert(narrow, type, 'F32', ROW);
    expect(Buffer.compare(await codec.convert(wide, 'F32', type, ROW), narrow)).toBe(0);
    const relative = floats(wide).map(
      (value, i) => Math.abs(value - (values[i] ?? 0)) / Math.max(Math.abs(values[i] ?? 0), 1e-3),
    );
    expect(relative.reduce((a, b) => Math.max(a, b))).toBeLessThan(type === 'F16' ? 2 ** -10 : 2 ** -7);
  }
});

it.each(Object.keys(TENSOR_TYPES) as TensorType[])(
  'the tensor codec gives the same %s for a whole tensor in chunks as for single rows',
  async (type) => {
    const whole = await codec.convert(source, 'F32', type, ROW);
    const bytes = rowBytes(type, ROW) ?? NaN;
    expect(whole.length).toBe(ROWS * bytes);
    for (const row of [0, 2047, 2048, ROWS - 1]) {
      const alone = await codec.convert(
        source.subarray(row * ROW * 4, (row + 1) * ROW * 4),
        'F32',
        type,
        ROW,
      );
      expect(Buffer.compare(whole.subarray(row * bytes, (row + 1) * bytes), alone)).toBe(0);
    }
  },
);

it('the tensor codec refuses rows that are no whole number of blocks', async () => {
  await expect(codec.convert(source.subarray(0, 4 * 100), 'F32', 'Q8_0', 100)).rejects.toThrow(
    /no whole number of Q8_0 blocks/,
  );
});

it('the tensor codec adds products as plain arithmetic does, also when several are asked for at once', async () => {
  const [rows, columns, rank] = [37, 300, 5];
  const matrix = (count: number, seed: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * seed + seed));
  const sums = [1, 2, 3].map((seed) => ({
    weights: matrix(rows * columns, seed + 0.1),
    left: matrix(rows * rank, seed + 0.2),
    right: matrix(rank * columns, seed + 0.3),
    rank,
  }));
  const results = await Promise.all(sums.map((sum) => codec.addProduct(sum)));
  const wanted = await Promise.all(sums.map((sum) => floatCodec.addProduct(sum)));
  for (const [index, result] of results.entries()) {
    expect(result).toHaveLength(rows * columns);
    const worst = result
      .map((value, i) => Math.abs(value - (wanted[index]?.[i] ?? NaN)))
      .reduce((a, b) => Math.max(a, b));
    expect(worst).toBeLessThan(1e-5);
  }
});

it('the tensor codec refuses matrices that do not fit each other, and computes the next sum all the same', async () => {
  const sum = {
    weights: new Float32Array(6),
    left: new Float32Array(2),
    right: new Float32Array(3),
    rank: 1,
  };
  await expect(codec.addProduct({ ...sum, weights: new Float32Array(5) })).rejects.toThrow(/no matrix of 5/);
  expect(await codec.addProduct(sum)).toEqual(new Float32Array(6));
});
