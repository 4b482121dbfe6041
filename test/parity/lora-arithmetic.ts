// Merging by plain arithmetic, for tests of adapters and of LoRA checkpoints.
import { Random } from '../../harness/random.js';
import {
  elementCountOf,
  floatTypeOf,
  isFloatTensor,
} from '../../server/src/checkpoint/files/stored-tensor.js';
import { toFloats } from '../../server/src/checkpoint/fixtures/float-codec.fixture.js';
import type { TestTensor } from '../../server/src/checkpoint/fixtures/safetensors-writer.fixture.js';
import { fileNames, openWeightFiles } from '../../server/src/checkpoint/source/weight-files.js';

/** Makes small random matrices, the same ones each time. */
export function randomMatrices(seed: number): (rows: number, columns: number) => Float32Array {
  const random = new Random(seed);
  return (rows, columns) =>
    Float32Array.from({ length: rows * columns }, () => (random.below(2001) - 1000) / 4000);
}

interface LoraProduct {
  /** [rank, in] */
  readonly a: Float32Array;
  /** [out, rank] */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** weight [out, in] + scale · B · A */
export function mergedValues({ values }: TestTensor, { a, b, rank, scale }: LoraProduct): Float32Array {
  const input = a.length / rank;
  return Float32Array.from(values, (weight, index) => {
    const [row, column] = [Math.floor(index / input), index % input];
    let product = 0;
    for (let r = 0; r < rank; r += 1) product += (b[row * rank + r] ?? 0) * (a[r * input + column] ?? 0);
    return weight + scale * product;
  });
}

/** All weights of a folder, in f32. */
export async function readFloatTensors(folder: string): Promise<TestTensor[]> {
  const weights = await openWeightFiles(folder, await fileNames(folder));
  const tensors: TestTensor[] = [];
  for (const tensor of weights.tensors.values()) {
    if (!isFloatTensor(tensor)) continue;
    const bytes = await tensor.read(0, elementCountOf(tensor.shape) ?? 0);
    const { name, shape } = tensor;
    tensors.push({ name, shape, type: 'F32', values: toFloats(bytes, floatTypeOf(tensor)) });
  }
  await weights.close();
  return tensors;
}
