// The tensors of a folder, from whichever files hold them: safetensors before PyTorch, sharded by an index or in one file.
// Opens what is needed and nothing else: training_args.bin, optimizer states and stray projectors are never touched.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { incomplete, listNames, malformed, missing, unreadable } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { readJsonFile } from '../files/json-file.js';
import { isErrno, PositionalFile } from '../files/positional-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readSafetensors } from '../safetensors/safetensors-file.js';
import { readTorchFile } from '../torch/torch-file.js';

/** Names and shards of 100,000 tensors take 12 MiB. */
const MAX_INDEX_BYTES = 32 * 2 ** 20;
/** Published checkpoints have at most some hundred shards; each is an open file. */
const MAX_SHARDS = 512;

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

export interface WeightFiles {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Paths of the files, the index among them, for the content key. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

export interface Kind {
  readonly index: string;
  readonly single: string;
  readonly read: (file: PositionalFile) => Promise<StoredTensor[]>;
}

/** In order of preference. */
export const KINDS: readonly Kind[] = [
  { index: 'model.safetensors.index.json', single: 'model.safetensors', read: readSafetensors },
  { index: 'pytorch_model.bin.index.json', single: 'pytorch_model.bin', read: readTorchFile },
];

/** Closes several sets, whatever becomes of the first. */
export async function closeAll(sets: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(sets.map((set) => set.close()));
}

export async function fileNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR'))
      throw missing(folder, 'There is no such folder.', { cause: error });
    throw unreadable(folder, 'The folder cannot be listed.', error);
  }
}

/** Whether the folder has weights in a known form. */
export function hasWeights(names: readonly string[]): boolean {
  return KINDS.some(({ index, single }) => names.includes(index) || names.includes(single));
}

/** @throws CheckpointError of any code */
export async function openWeightFiles(folder: string, names: readonly string[]): Promise<WeightFiles> {
  for (const kind of KINDS) {
    if (names.includes(kind.index)) return openSharded(folder, kind);
    if (names.includes(kind.single)) return openSingle(folder, kind);
  }
  const shards = names.filter((name) => /-\d{5}-of-\d{5}\.(safetensors|bin)$/.test(name));
  throw incomplete(
    folder,
    shards.length > 0
      ? `There are shards (${listNames(shards, 3)}) but no index that says what they hold (${KINDS.map((kind) => kind.index).join(' or ')}).`
      : `There are no weights: neither ${KINDS.map((kind) => kind.single).join(' nor ')}, nor shards with an index.`,
  );
}

async function openSingle(folder: string, kind: Kind): Promise<WeightFiles> {
  return openFiles(folder, kind, [kind.single], folder, (tensors) => tensors);
}

/**
 * The shard of each tensor, by an index file of the folder.
 * @throws CheckpointError checkpoint.malformed
 */
export async function readShardIndex(folder: string, name: string): Promise<ReadonlyMap<string, string>> {
  const path = await containedPath(folder, name, folder);
  const index = await readJsonFile(path, indexSchema, MAX_INDEX_BYTES);
  const shardOf = new Map(Object.entries(index.weight_map));
  const shardCount = new Set(shardOf.values()).size;
  if (shardCount > MAX_SHARDS) throw malformed(name, `It names ${shardCount} files; at most ${MAX_SHARDS}.`);
  return shardOf;
}

async function openSharded(folder: string, kind: Kind): Promise<WeightFiles> {
  const shardOf = await readShardIndex(folder, kind.index);
  const shards = [...new Set(shardOf.values())].sort();
  return openFiles(folder, kind, shards, kind.index, (tensors, shard) =>
    tensors.filter((tensor) => shardOf.get(tensor.name) === shard),
  ).then(async (files) => {
    const lost = [...shardOf.keys()].filter((name) => !files.tensors.has(name));
    if (lost.length === 0) return files;
    await files.close();
    throw incomplete(kind.index, `The shards lack tensors that the index promises: ${listNames(lost)}.`);
  });
}

async function openFiles(
  folder: string,
  kind: Kind,
  names: readonly string[],
  namedBy: string,
  select: (tensors: StoredTensor[], name: string) => StoredTensor[],
): Promise<WeightFiles> {
  const files: PositionalFile[] = [];
  const close = () => closeAll(files);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of names) {
      const file = await PositionalFile.open(await containedPath(folder, name, namedBy));
      files.push(file);
      for (const tensor of select(await kind.read(file), name)) tensors.set(tensor.name, tensor);
    }
    const indexes = namedBy === kind.index ? [kind.index] : [];
    return { tensors, paths: [...indexes, ...names].map((name) => join(folder, name)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
