// The tensors of a folder, from whichever files hold them: safetensors before PyTorch, sharded by an index or in one file.
// Opens what is needed and nothing else: training_args.bin, optimizer states and stray projectors are never touched.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointError } from '../../errors.js';
import { STOP_AT_FIRST, type FaultPolicy } from '../fault-policy.js';
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
  /** Names that an index promises in shards that could not be read. */
  readonly unreadable: ReadonlySet<string>;
  /** Names of the files that hold the weights. */
  readonly names: readonly string[];
  /** Paths of the files that were read, the index among them, for the content key. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

interface Kind {
  readonly index: string;
  readonly single: string;
  readonly read: (file: PositionalFile) => Promise<StoredTensor[]>;
}

/** In order of preference. */
export const KINDS: readonly Kind[] = [
  { index: 'model.safetensors.index.json', single: 'model.safetensors', read: readSafetensors },
  { index: 'pytorch_model.bin.index.json', single: 'pytorch_model.bin', read: readTorchFile },
];

/** Closes several, whatever becomes of the first. */
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

/**
 * Opens what the folder has. Where the policy goes on after a fault, a shard that is missing or broken is passed over.
 * @throws CheckpointError of any code
 */
export async function openWeightFiles(
  folder: string,
  names: readonly string[],
  faults: FaultPolicy = STOP_AT_FIRST,
): Promise<WeightFiles> {
  const weights = new OpenWeights(folder, faults);
  try {
    await weights.open(names);
    return weights;
  } catch (error) {
    await weights.close();
    throw error;
  }
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

class OpenWeights implements WeightFiles {
  readonly tensors = new Map<string, StoredTensor>();
  readonly unreadable = new Set<string>();
  readonly names: string[] = [];
  readonly paths: string[] = [];
  readonly #folder: string;
  readonly #faults: FaultPolicy;
  readonly #files: PositionalFile[] = [];

  constructor(folder: string, faults: FaultPolicy) {
    this.#folder = folder;
    this.#faults = faults;
  }

  async open(names: readonly string[]): Promise<void> {
    const kind = KINDS.find(({ index, single }) => names.includes(index) || names.includes(single));
    if (kind === undefined) this.#faults.note(noWeights(this.#folder, names));
    else if (names.includes(kind.index)) await this.#openShards(kind);
    else for (const tensor of (await this.#read(kind, kind.single, this.#folder)) ?? []) this.#add(tensor);
  }

  async close(): Promise<void> {
    await closeAll(this.#files);
  }

  async #openShards(kind: Kind): Promise<void> {
    const shardOf = await this.#faults.attempt(() => readShardIndex(this.#folder, kind.index));
    if (shardOf === undefined) return;
    this.paths.push(join(this.#folder, kind.index));
    for (const shard of [...new Set(shardOf.values())].sort()) {
      const promised = [...shardOf].flatMap(([name, file]) => (file === shard ? [name] : []));
      const found = await this.#read(kind, shard, kind.index);
      if (found === undefined) {
        for (const name of promised) this.unreadable.add(name);
        continue;
      }
      for (const tensor of found) if (shardOf.get(tensor.name) === shard) this.#add(tensor);
      const lost = promised.filter((name) => !this.tensors.has(name));
      if (lost.length > 0)
        this.#faults.note(
          incomplete(
            join(this.#folder, shard),
            `It lacks tensors that ${kind.index} promises: ${listNames(lost)}.`,
          ),
        );
    }
  }

  async #read(kind: Kind, name: string, namedBy: string): Promise<StoredTensor[] | undefined> {
    this.names.push(name);
    return this.#faults.attempt(async () => {
      const file = await PositionalFile.open(await containedPath(this.#folder, name, namedBy));
      this.#files.push(file);
      const tensors = await kind.read(file);
      this.paths.push(join(this.#folder, name));
      return tensors;
    });
  }

  #add(tensor: StoredTensor): void {
    this.tensors.set(tensor.name, tensor);
  }
}

function noWeights(folder: string, names: readonly string[]): CheckpointError {
  const shards = names.filter((name) => /-\d{5}-of-\d{5}\.(safetensors|bin)$/.test(name));
  return incomplete(
    folder,
    shards.length > 0
      ? `There are shards (${listNames(shards, 3)}) but no index that says what they hold (${KINDS.map((kind) => kind.index).join(' or ')}).`
      : `There are no weights: neither ${KINDS.map((kind) => kind.single).join(' nor ')}, nor shards with an index.`,
  );
}
