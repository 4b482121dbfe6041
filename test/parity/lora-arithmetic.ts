// Adapters of random matrices and merging by plain arithmetic, for tests of adapters and of LoRA checkpoints.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../harness/random.js';
import {
  elementCountOf,
  floatTypeOf,
  isFloatTensor,
} from '../../server/src/checkpoint/files/stored-tensor.js';
import { toFloats } from '../../server/src/checkpoint/fixtures/float-codec.fixture.js';
import {
  safetensorsBytes,
  type TestTensor,
} from '../../server/src/checkpoint/fixtures/safetensors-writer.fixture.js';
import { fileNames, openWeightFiles } from '../../server/src/checkpoint/source/weight-files.js';

/** Makes small random matrices, the same ones each time. */
export function randomMatrices(seed: number): (rows: number, columns: number) => Float32Array {
  const random = new Random(seed);
  return (rows, columns) =>
    Float32Array.from({ length: rows * columns }, () => (random.below(2001) - 1000) / 4000);
}

export interface LoraScale {
  readonly rank: number;
  readonly alpha: number;
}

interface Adapted {
  /** The weight [out, in] with what the adapter adds. */
  readonly merged: TestTensor;
  /** A [rank, in] and B [out, rank], as PEFT names them. */
  readonly halves: readonly TestTensor[];
}

/** Adapts a matrix: weight + alpha / rank · B · A. */
export function adapt(
  tensor: TestTensor,
  matrix: ReturnType<typeof randomMatrices>,
  { rank, alpha }: LoraScale,
): Adapted {
  const [out = 0, input = 0] = tensor.shape;
  const [a, b] = [matrix(rank, input), matrix(out, rank)];
  const place = `base_model.model.${tensor.name.replace(/\.weight$/u, '')}`;
  const values = Float32Array.from(tensor.values, (weight, index) => {
    const [row, column] = [Math.floor(index / input), index % input];
    let product = 0;
    for (let r = 0; r < rank; r += 1) product += (b[row * rank + r] ?? 0) * (a[r * input + column] ?? 0);
    return weight + (alpha / rank) * product;
  });
  return {
    merged: { ...tensor, values },
    halves: [
      { name: `${place}.lora_A.weight`, type: 'F32', shape: [rank, input], values: a },
      { name: `${place}.lora_B.weight`, type: 'F32', shape: [out, rank], values: b },
    ],
  };
}

/** A new folder with other weights and all else of a checkpoint. */
export function writeWithWeights(checkpoint: string, folder: string, weights: readonly TestTensor[]): void {
  mkdirSync(folder);
  for (const name of readdirSync(checkpoint))
    if (!name.includes('.safetensors'))
      cpSync(path.join(checkpoint, name), path.join(folder, name), { recursive: true });
  writeFileSync(path.join(folder, 'model.safetensors'), safetensorsBytes(weights));
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
