// Renames the tensors of a file set to canonical names and drops what is no weight.
import { malformed } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { canonicalName, type TensorLayout } from './tensor-names.js';

/** @throws CheckpointError checkpoint.malformed when two tensors mean the same */
export function canonicalTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  layout: TensorLayout,
): Map<string, StoredTensor> {
  const renamed = new Map<string, StoredTensor>();
  for (const tensor of tensors.values()) {
    const name = canonicalName(tensor.name, layout);
    if (name === 'skip') continue;
    const other = renamed.get(name.use);
    if (other !== undefined)
      throw malformed(tensor.file, `The tensors ${other.name} and ${tensor.name} are the same weight.`);
    renamed.set(name.use, tensor);
  }
  return renamed;
}
