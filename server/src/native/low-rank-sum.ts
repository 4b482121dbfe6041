// weights + left · right as one graph: what merging a LoRA adapter is made of. A 7 B model has 10^12 multiplications of it.
import { Defect } from '../errors.js';
import type { LowRankSum } from '../model/tensor-types.js';
import { GraphBuilder } from './graph.js';
import type { Runtime } from './runtime.js';

/** No other graph may be computed at the same time. @throws NativeError native.call_failed, native.out_of_memory */
export async function lowRankSum(
  runtime: Runtime,
  { weights, left, right, rank }: LowRankSum,
): Promise<Float32Array> {
  const [rows, columns] = [left.length / rank, right.length / rank];
  if (!Number.isInteger(rows) || !Number.isInteger(columns) || weights.length !== rows * columns)
    throw new Defect(
      `${left.length} and ${right.length} elements of rank ${rank} give no matrix of ${weights.length} elements.`,
    );
  const builder = new GraphBuilder(runtime);
  // ggml order: the elements of a row first.
  const weightsInput = builder.input('F32', [columns, rows]);
  const leftInput = builder.input('F32', [rank, rows]);
  const rightInput = builder.input('F32', [columns, rank]);
  // ggml multiplies rows with rows.
  const rightColumns = builder.cont(builder.permute(rightInput, [1, 0, 2, 3]));
  const sum = builder.add(builder.mulMat(rightColumns, leftInput), weightsInput);
  const graph = builder.finish([[sum]], [sum]);
  try {
    graph.set(weightsInput, weights);
    graph.set(leftInput, left);
    graph.set(rightInput, right);
    await graph.compute();
    return graph.read(sum);
  } finally {
    graph.close();
  }
}
