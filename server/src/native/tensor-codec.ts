// Converts rows of weights between element types with ggml's own routines, in chunks spread over worker threads, and adds products of
// small matrices to them. The one implementation of TensorCodec that conversion uses, so converted files equal what llama.cpp's tools
// would write.
import { Defect, NativeError } from '../errors.js';
import {
  rowBytes,
  TENSOR_TYPES,
  type FloatType,
  type TensorCodec,
  type TensorType,
} from '../model/tensor-types.js';
import { lowRankSum } from './low-rank-sum.js';
import type { Runtime } from './runtime.js';
import { onWorker } from './symbols/bind.js';
import type { GgmlSymbols } from './symbols/ggml.js';

/** Elements per chunk, 4 MiB of f32: small enough to spread a tensor over threads, and large beside the cost of a call. */
const CHUNK_ELEMENTS = 1 << 20;

export function createTensorCodec(runtime: Runtime): TensorCodec {
  const { ggml, threads } = runtime;
  let lastSum: Promise<unknown> = Promise.resolve();
  return {
    async convert(source, from, to, rowElements) {
      const shape = validateShape(source, from, to, rowElements);
      if (from === to) return source;
      const target = new Uint8Array(shape.rows * shape.targetRowBytes);
      const rowsPerChunk = Math.max(1, Math.floor(CHUNK_ELEMENTS / rowElements));
      let nextRow = 0;
      const worker = async () => {
        // One scratch buffer for each worker, because fresh pages for every chunk would cost more than the conversion.
        const scratch = new Float32Array(Math.min(rowsPerChunk, shape.rows) * rowElements);
        while (nextRow < shape.rows) {
          const row = nextRow;
          const rows = Math.min(rowsPerChunk, shape.rows - row);
          nextRow += rows;
          const input = source.subarray(row * shape.sourceRowBytes, (row + rows) * shape.sourceRowBytes);
          const output = target.subarray(row * shape.targetRowBytes, (row + rows) * shape.targetRowBytes);
          await convertRows(ggml, { input, from, output, to, rows, rowElements, scratch });
        }
      };
      await Promise.all(Array.from({ length: threads }, worker));
      return target;
    },
    addProduct(sum) {
      // The inference thread computes one graph at a time, and a sum that failed is no reason not to compute the next.
      const result = lastSum.then(() => lowRankSum(runtime, sum));
      lastSum = result.catch(() => undefined);
      return result;
    },
  };
}

function validateShape(source: Uint8Array, from: FloatType, to: TensorType, rowElements: number) {
  const sourceRowBytes = rowBytes(from, rowElements);
  const targetRowBytes = rowBytes(to, rowElements);
  if (sourceRowBytes === undefined || targetRowBytes === undefined) {
    throw new Defect(
      `A row of ${rowElements} elements is no whole number of ${to} blocks (${TENSOR_TYPES[to].blockElements} elements each).`,
    );
  }
  const rows = source.byteLength / sourceRowBytes;
  if (!Number.isInteger(rows))
    throw new Defect(
      `${source.byteLength} bytes are no whole number of ${from} rows of ${rowElements} elements.`,
    );
  return { rows, sourceRowBytes, targetRowBytes };
}

interface RowChunk {
  readonly input: Uint8Array;
  readonly from: FloatType;
  readonly output: Uint8Array;
  readonly to: TensorType;
  readonly rows: number;
  readonly rowElements: number;
  /** Holds the rows of the chunk in f32. */
  readonly scratch: Float32Array;
}

async function convertRows(ggml: GgmlSymbols, chunk: RowChunk): Promise<void> {
  const { output, to, rows, rowElements } = chunk;
  const elements = rows * rowElements;
  const floats = await toFloats(ggml, chunk);
  if (to === 'F32') output.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  else if (to === 'F16') await onWorker(ggml.fp32ToFp16, floats, output, elements);
  else if (to === 'BF16') await onWorker(ggml.fp32ToBf16, floats, output, elements);
  else {
    const type = TENSOR_TYPES[to].ggmlId;
    const written = await onWorker(ggml.quantizeChunk, type, floats, output, 0, rows, rowElements, null);
    if (written !== output.byteLength) {
      throw new NativeError(
        'native.call_failed',
        `ggml_quantize_chunk wrote ${written} bytes of ${to} instead of ${output.byteLength}.`,
      );
    }
  }
}

async function toFloats(
  ggml: GgmlSymbols,
  { input, from, rows, rowElements, scratch }: RowChunk,
): Promise<Float32Array> {
  const elements = rows * rowElements;
  const floats = scratch.subarray(0, elements);
  if (from === 'F32') new Uint8Array(floats.buffer, 0, elements * 4).set(input);
  else if (from === 'F16') await onWorker(ggml.fp16ToFp32, input, floats, elements);
  else await onWorker(ggml.bf16ToFp32, input, floats, elements);
  return floats;
}
