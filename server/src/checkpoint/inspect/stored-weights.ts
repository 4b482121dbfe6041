// The weight files of a folder as far as they can be read: a shard that is missing or broken is noted, and the others are looked at
// all the same. Serving reads them with openWeightFiles, which ends at the first.
import { join } from 'node:path';
import { closeAll, KINDS, openWeightFiles, readShardIndex, type Kind } from '../source/weight-files.js';
import { incomplete, listNames } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { PositionalFile } from '../files/positional-file.js';
import { ELEMENT_BYTES, elementCountOf, type StoredTensor } from '../files/stored-tensor.js';
import type { Findings } from './findings.js';
import type { TensorFacts } from './inspection.js';

export interface StoredWeights {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Names that the index promises in shards that cannot be read. */
  readonly unreadable: ReadonlySet<string>;
  readonly facts: TensorFacts | null;
  close(): Promise<void>;
}

export async function readStoredWeights(
  folder: string,
  names: readonly string[],
  findings: Findings,
): Promise<StoredWeights> {
  const kind = KINDS.find(({ index, single }) => names.includes(index) || names.includes(single));
  const shardOf =
    kind !== undefined && names.includes(kind.index)
      ? await findings.attempt(() => readShardIndex(folder, kind.index))
      : undefined;
  if (kind !== undefined && shardOf !== undefined) return readShards(folder, kind, shardOf, findings);
  const files = await findings.attempt(() => openWeightFiles(folder, names));
  if (files === undefined)
    return { tensors: new Map(), unreadable: new Set(), facts: null, close: () => Promise.resolve() };
  const { tensors } = files;
  const facts = factsOf(tensors, kind === undefined ? [] : [kind.single]);
  return { tensors, unreadable: new Set(), facts, close: () => files.close() };
}

async function readShards(
  folder: string,
  kind: Kind,
  shardOf: ReadonlyMap<string, string>,
  findings: Findings,
): Promise<StoredWeights> {
  const shards = [...new Set(shardOf.values())].sort();
  const tensors = new Map<string, StoredTensor>();
  const open: PositionalFile[] = [];
  const unreadable = new Set<string>();
  for (const shard of shards) {
    const promised = [...shardOf].flatMap(([name, file]) => (file === shard ? [name] : []));
    const found = await findings.attempt(async () => {
      const file = await PositionalFile.open(await containedPath(folder, shard, kind.index));
      open.push(file);
      return kind.read(file);
    });
    if (found === undefined) {
      for (const name of promised) unreadable.add(name);
      continue;
    }
    for (const tensor of found) if (shardOf.get(tensor.name) === shard) tensors.set(tensor.name, tensor);
    const lost = promised.filter((name) => !tensors.has(name));
    if (lost.length > 0)
      findings.note(
        incomplete(join(folder, shard), `It lacks tensors that ${kind.index} promises: ${listNames(lost)}.`),
      );
  }
  return { tensors, unreadable, facts: factsOf(tensors, shards), close: () => closeAll(open) };
}

function factsOf(tensors: ReadonlyMap<string, StoredTensor>, files: readonly string[]): TensorFacts {
  const types: Record<string, number> = {};
  let bytes = 0;
  for (const { elementType, shape } of tensors.values()) {
    types[elementType] = (types[elementType] ?? 0) + 1;
    bytes += (elementCountOf(shape) ?? 0) * ELEMENT_BYTES[elementType];
  }
  return { count: tensors.size, bytes, types, files };
}
