// Puts a LoRA checkpoint's weights onto those of its base: whole ones in their place, products noted to be added when the elements are
// converted. Nothing is read here but names and shapes.
import { malformed } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { LoraPair, LoraTensors } from './lora-tensors.js';
import type { MergeConfig } from './merge-config.js';

/** Weights of the vision tower, which may lie in a repository of their own. */
export const isTowerWeight = (canonical: string): boolean => canonical.startsWith('tower.');

/**
 * @param base by canonical names
 * @returns base with everything that belongs to it, whole weights that the base lacks among it
 * @throws CheckpointError checkpoint.malformed
 */
export function mergeOnto(
  base: ReadonlyMap<string, StoredTensor>,
  { whole, pairs }: LoraTensors,
  { scaleOf }: Pick<MergeConfig, 'scaleOf'>,
): Map<string, StoredTensor> {
  const merged = new Map([...base, ...whole]);
  for (const [canonical, pair] of pairs) {
    const weight = merged.get(canonical);
    if (weight === undefined) throw noTarget(pair);
    validateFit(weight, pair);
    const { a, b, order, rank, module } = pair;
    merged.set(canonical, { ...weight, addition: { a, b, order, rank, scale: scaleOf(module, rank) } });
  }
  return merged;
}

/** The part of the tensors whose weights are accepted. */
export function partOf({ whole, pairs }: LoraTensors, accepts: (canonical: string) => boolean): LoraTensors {
  const accepted = <T>(all: ReadonlyMap<string, T>) => new Map([...all].filter(([name]) => accepts(name)));
  return { whole: accepted(whole), pairs: accepted(pairs) };
}

const noTarget = ({ a }: LoraPair) =>
  malformed(
    a.file,
    `Tensor ${a.name} belongs to no weight of the base. Is the base another model (model_base)?`,
  );

function validateFit(weight: StoredTensor, { a, b, order, rank }: LoraPair): void {
  const [rows = 0, ...inner] = weight.shape;
  const columns = inner.reduce((product, dimension) => product * dimension, 1);
  const [aSize, bSize] = [sizeAfterFirst(a), b.shape[0] ?? 0];
  const fits = order === 'rows' ? aSize === columns && bSize === rows : aSize === rows && bSize === columns;
  if (fits && inner.length > 0) return;
  throw malformed(
    a.file,
    `Tensor ${a.name} and its other half have shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}], of rank ${rank}, which do not fit the weight [${weight.shape.join(', ')}] of ${weight.file}. Is the base another model (model_base)?`,
  );
}

const sizeAfterFirst = ({ shape }: StoredTensor): number =>
  shape.slice(1).reduce((product, dimension) => product * dimension, 1);
