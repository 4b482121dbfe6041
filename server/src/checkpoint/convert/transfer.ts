// Moves tensors from a checkpoint into a GGUF file: reads a chunk of rows, reorders and converts it, writes it to its place. A few
// chunks are under way at once, so that disk and cores are busy together; memory is a few chunks, whatever the model's size.
import { rowBytes, type TensorCodec, type TensorType } from '../../model/tensor-types.js';
import { stopIfCancelled } from '../failures.js';
import { floatTypeOf, type ElementType } from '../files/stored-tensor.js';
import type { GgufWriter } from '../gguf/writer.js';
import type { MappedTensor } from '../source/mapped-tensor.js';
import { interleaveHeads } from './rotary-order.js';
import { readSummedRows } from './summed-rows.js';

/** Source bytes of a chunk. Converted to f32 it grows at most twofold. */
const CHUNK_BYTES = 16 * 2 ** 20;
/** One is read, one converted, one written. */
const CHUNKS_UNDER_WAY = 3;

export interface TransferTensor {
  readonly tensor: MappedTensor;
  readonly type: TensorType;
}

interface TransferOptions {
  readonly codec: TensorCodec;
  /** Called after each chunk with the tensor's name and the source bytes just done. */
  readonly onChunk: (name: string, sourceBytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

interface Chunk extends TransferTensor {
  readonly firstRow: number;
  readonly rows: number;
  readonly rowElements: number;
}

/** Elements of a float type have these widths; others are refused before they come here. */
const WIDTH = { F32: 4, F16: 2, BF16: 2 } as const satisfies Partial<Record<ElementType, number>>;

/** @throws CheckpointError checkpoint.cancelled, checkpoint.malformed, checkpoint.unreadable, checkpoint.unsupported */
export async function transferTensors(
  tensors: readonly TransferTensor[],
  writer: GgufWriter,
  options: TransferOptions,
): Promise<void> {
  const chunks = chunksOf(tensors);
  // One failure must stop the others; without this they would go on reading into a closed file.
  let failed = false;
  const worker = async () => {
    for (const chunk of chunks) {
      if (failed) return;
      stopIfCancelled(options.signal);
      await transferChunk(chunk, writer, options.codec).catch((error: unknown) => {
        failed = true;
        throw error;
      });
      options.onChunk(chunk.tensor.ggufName, chunkSourceBytes(chunk));
    }
  };
  const results = await Promise.allSettled(Array.from({ length: CHUNKS_UNDER_WAY }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** The chunks of all tensors in order; one generator that several workers draw from. */
function* chunksOf(tensors: readonly TransferTensor[]): Generator<Chunk> {
  for (const { tensor, type } of tensors) {
    const [rows, rowElements] = matrixSize(tensor);
    const unit = tensor.rotaryHeadRows ?? 1;
    const unitBytes = unit * rowElements * WIDTH[floatTypeOf(tensor.source)];
    const rowsPerChunk = Math.max(1, Math.floor(CHUNK_BYTES / unitBytes)) * unit;
    for (let firstRow = 0; firstRow < rows; firstRow += rowsPerChunk)
      yield { tensor, type, firstRow, rows: Math.min(rowsPerChunk, rows - firstRow), rowElements };
  }
}

/** Rows and their elements: those of GGUF, or of the matrix that a product is added to, whose rows are all but the outermost dimension. */
function matrixSize({ dimensions, source }: MappedTensor): readonly [rows: number, rowElements: number] {
  const count = dimensions.reduce((product, dimension) => product * dimension, 1);
  const rowElements = source.addition === undefined ? dimensions[0] : count / (dimensions.at(-1) ?? 1);
  return [count / (rowElements ?? 1), rowElements ?? 1];
}

async function transferChunk(chunk: Chunk, writer: GgufWriter, codec: TensorCodec): Promise<void> {
  const { tensor, type, firstRow, rowElements } = chunk;
  const { bytes, type: from } = await readSummedRows(tensor.source, chunk, codec);
  const ordered =
    tensor.rotaryHeadRows === null
      ? bytes
      : interleaveHeads(bytes, rowElements * WIDTH[from], tensor.rotaryHeadRows);
  const converted = await codec.convert(ordered, from, type, rowElements);
  await writer.write(tensor.ggufName, firstRow * (rowBytes(type, rowElements) ?? 0), converted);
}

function chunkSourceBytes({ tensor, rows, rowElements }: Chunk): number {
  return rows * rowElements * WIDTH[floatTypeOf(tensor.source)];
}

/** Source bytes of whole tensors, for progress. */
export function sourceBytesOf(tensors: readonly TransferTensor[]): number {
  return tensors.reduce(
    (sum, { tensor }) =>
      sum + tensor.dimensions.reduce((n, dimension) => n * dimension, 1) * WIDTH[floatTypeOf(tensor.source)],
    0,
  );
}
