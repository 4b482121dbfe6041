// Rows of a weight as they are to be converted: as stored, or with the product of a LoRA adapter added, in f32. The small matrices are
// read as needed; memory is that of the rows, twice, and of one of the matrices.
import type { FloatType, TensorCodec } from '../../model/tensor-types.js';
import { floatTypeOf, type LowRankAddition, type StoredTensor } from '../files/stored-tensor.js';

export interface ElementRange {
  readonly firstRow: number;
  readonly rows: number;
  readonly rowElements: number;
}

/** @throws CheckpointError of the files; NativeError */
export async function readSummedRows(
  source: StoredTensor,
  range: ElementRange,
  codec: TensorCodec,
): Promise<{ readonly bytes: Uint8Array; readonly type: FloatType }> {
  const { addition } = source;
  const { firstRow, rows, rowElements } = range;
  const first = firstRow * rowElements;
  if (addition === undefined)
    return { bytes: await source.read(first, rows * rowElements), type: floatTypeOf(source) };
  const { a, b, order, rank, scale } = addition;
  const weights = await readFloats(source, first, [rows, rowElements], codec);
  const left =
    order === 'rows'
      ? await readFloats(b, firstRow * rank, [rows, rank], codec)
      : await columnsOf(addition, range, codec);
  const right =
    order === 'rows'
      ? await readFloats(a, 0, [rank, rowElements], codec)
      : transposed(await readFloats(b, 0, [rowElements, rank], codec), rank);
  const sum = await codec.addProduct({ weights, left: left.map((value) => value * scale), right, rank });
  return { bytes: new Uint8Array(sum.buffer, sum.byteOffset, sum.byteLength), type: 'F32' };
}

/** [rows, rank] of A [rank, out]. */
async function columnsOf(
  { a, rank }: LowRankAddition,
  { firstRow, rows }: ElementRange,
  codec: TensorCodec,
): Promise<Float32Array> {
  const [, out = 0] = a.shape;
  const parts = new Float32Array(rank * rows);
  for (let row = 0; row < rank; row++)
    parts.set(await readFloats(a, row * out + firstRow, [1, rows], codec), row * rows);
  return transposed(parts, rows);
}

/** The columns of a matrix with rows of `columns` elements, one after the other. */
function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  return matrix.map((_, index) => matrix[(index % rows) * columns + Math.floor(index / rows)] ?? 0);
}

async function readFloats(
  tensor: StoredTensor,
  firstElement: number,
  [rows, rowElements]: readonly [rows: number, rowElements: number],
  codec: TensorCodec,
): Promise<Float32Array> {
  const count = rows * rowElements;
  const bytes = await codec.convert(
    await tensor.read(firstElement, count),
    floatTypeOf(tensor),
    'F32',
    rowElements,
  );
  // A view of a file's bytes need not begin where a number may.
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, count);
}
