// A tensor that looks at a storage through offset and strides, read in C order: straight from the file where its elements lie one
// after another, gathered where they do not (transposed, sliced with gaps, expanded).
import { unsupported } from '../failures.js';
import type { ByteSource } from '../files/byte-source.js';
import { contiguousTensor, ELEMENT_BYTES, type StoredTensor } from '../files/stored-tensor.js';
import type { TensorView } from './state-dict.js';

/** Span of a storage that one read of a gathered tensor may cover. Published checkpoints hold no such tensors at all. */
const MAX_SPAN_BYTES = 512 * 2 ** 20;

/** @param storageOffset of the storage's first byte in the source; its length has been checked */
export function stridedTensor(source: ByteSource, view: TensorView, storageOffset: number): StoredTensor {
  const { name, shape, offset, storage } = view;
  const { elementType } = storage;
  const width = ELEMENT_BYTES[elementType];
  if (isContiguous(view))
    return contiguousTensor(source, name, elementType, shape, storageOffset + offset * width);
  return {
    name,
    elementType,
    shape,
    file: source.name,
    read: (first, count) => gather(source, view, storageOffset, first, count),
  };
}

/** Axes of size 1 may carry any stride. */
function isContiguous({ shape, strides }: TensorView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

async function gather(
  source: ByteSource,
  view: TensorView,
  storageOffset: number,
  first: number,
  count: number,
): Promise<Uint8Array> {
  const width = ELEMENT_BYTES[view.storage.elementType];
  const target = new Uint8Array(count * width);
  if (count === 0) return target;
  const [lowest, highest] = span(view, first, count);
  const spanBytes = (highest - lowest + 1) * width;
  if (spanBytes > MAX_SPAN_BYTES) {
    throw unsupported(
      source.name,
      `Tensor ${view.name} is spread over ${spanBytes} bytes of its storage; at most ${MAX_SPAN_BYTES}. Save it contiguously.`,
    );
  }
  const bytes = await source.read(storageOffset + lowest * width, spanBytes);
  const index = unravel(first, view.shape);
  for (let element = 0; element < count; element++) {
    const from = (positionOf(index, view) - lowest) * width;
    for (let byte = 0; byte < width; byte++) target[element * width + byte] = bytes[from + byte] ?? 0;
    increment(index, view.shape);
  }
  return target;
}

/** Lowest and highest element of the storage that the rows around the range touch. */
function span({ shape, strides, offset }: TensorView, first: number, count: number): [number, number] {
  const rowElements = shape.slice(1).reduce((product, size) => product * size, 1);
  const firstRow = Math.floor(first / rowElements);
  const lastRow = Math.floor((first + count - 1) / rowElements);
  const rowStride = strides[0] ?? 0;
  const rowSpan = shape.slice(1).reduce((sum, size, axis) => sum + (size - 1) * (strides[axis + 1] ?? 0), 0);
  return [offset + firstRow * rowStride, offset + lastRow * rowStride + rowSpan];
}

function unravel(element: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    index[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return index;
}

function positionOf(index: readonly number[], { strides, offset }: TensorView): number {
  return index.reduce((position, at, axis) => position + at * (strides[axis] ?? 0), offset);
}

function increment(index: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = (index[axis] ?? 0) + 1;
    index[axis] = next < (shape[axis] ?? 1) ? next : 0;
    if (index[axis] !== 0) return;
  }
}
