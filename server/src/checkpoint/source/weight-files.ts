// The tensors of a folder, from whichever files hold them (weight-choice.ts), sharded by an index or in one file. Opens what is needed
// and nothing else: training_args.bin, optimizer states and stray projectors are never touched.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointError } from '../../errors.js';
import { STOP_AT_FIRST, type FaultPolicy } from '../fault-policy.js';
import { incomplete, listNames, malformed, missing, unreadable } from '../failures.js';
import { containedPath, isPlainName } from '../files/contained-path.js';
import { readJsonFile } from '../files/json-file.js';
import { isErrno, PositionalFile } from '../files/positional-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readSafetensors } from '../safetensors/safetensors-file.js';
import { readTorchFile } from '../torch/torch-file.js';
import { chooseWeights, passedOver, weightNames, type WeightChoice } from './weight-choice.js';

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
  /** Which files of weights were not read. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

const READERS = { safetensors: readSafetensors, torch: readTorchFile } as const;

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
export const hasWeights = (names: readonly string[]): boolean => chooseWeights(names) !== undefined;

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

export interface ShardIndex {
  /** The file of each tensor. */
  readonly shardOf: ReadonlyMap<string, string>;
  /** What is odd in the index. */
  readonly warnings: readonly string[];
}

/**
 * Reads an index file of the folder.
 * @throws CheckpointError checkpoint.malformed
 */
export async function readShardIndex(folder: string, name: string): Promise<ShardIndex> {
  const path = await containedPath(folder, name, folder);
  const { value, warnings } = await readJsonFile(path, indexSchema, MAX_INDEX_BYTES);
  const shardOf = new Map(Object.entries(value.weight_map));
  const shardCount = new Set(shardOf.values()).size;
  if (shardCount > MAX_SHARDS) throw malformed(name, `It names ${shardCount} files; at most ${MAX_SHARDS}.`);
  return { shardOf, warnings };
}

class OpenWeights implements WeightFiles {
  readonly tensors = new Map<string, StoredTensor>();
  readonly unreadable = new Set<string>();
  readonly names: string[] = [];
  readonly warnings: string[] = [];
  readonly paths: string[] = [];
  readonly #folder: string;
  readonly #faults: FaultPolicy;
  readonly #files: PositionalFile[] = [];

  constructor(folder: string, faults: FaultPolicy) {
    this.#folder = folder;
    this.#faults = faults;
  }

  async open(names: readonly string[]): Promise<void> {
    const choice = chooseWeights(names);
    if (choice === undefined) {
      this.#faults.note(noWeights(this.#folder, names));
      return;
    }
    const { format, index, single } = choice;
    if (index !== null) await this.#openShards(format, index, names);
    if (single !== null)
      for (const tensor of (await this.#read(format, single, this.#folder)) ?? []) this.#add(tensor);
    const others = passedOver(names, new Set([...this.names, index ?? '']));
    if (others.length > 0)
      this.warnings.push(
        `The weights are read from ${index ?? single ?? ''}, which transformers takes first; passed over: ${listNames(others, 4)}.`,
      );
  }

  async close(): Promise<void> {
    await closeAll(this.#files);
  }

  async #openShards(format: WeightChoice['format'], index: string, names: readonly string[]): Promise<void> {
    const read = await this.#faults.attempt(() => readShardIndex(this.#folder, index));
    if (read === undefined) return;
    const { shardOf } = read;
    this.warnings.push(...read.warnings);
    this.paths.push(join(this.#folder, index));
    const shards = [...new Set(shardOf.values())].sort();
    this.#noteOtherShards(index, shards, names);
    for (const shard of shards) {
      const promised = [...shardOf].flatMap(([name, file]) => (file === shard ? [name] : []));
      const found = await this.#read(format, shard, index);
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
            `It lacks tensors that ${index} promises: ${listNames(lost)}.`,
          ),
        );
    }
  }

  /** An index of another save: its shards are gone, and others lie there. */
  #noteOtherShards(index: string, shards: readonly string[], names: readonly string[]): void {
    const absent = shards.filter((shard) => isPlainName(shard) && !names.includes(shard));
    const others = passedOver(names, new Set([index, ...shards]));
    if (absent.length === 0 || others.length === 0) return;
    const message = `It names ${listNames(absent, 3)}, which are not there, but the folder has ${listNames(others, 3)}: the index belongs to another save. Remove it, or put its shards there.`;
    this.#faults.note(incomplete(join(this.#folder, index), message));
  }

  async #read(
    format: WeightChoice['format'],
    name: string,
    namedBy: string,
  ): Promise<StoredTensor[] | undefined> {
    this.names.push(name);
    return this.#faults.attempt(async () => {
      const file = await PositionalFile.open(await containedPath(this.#folder, name, namedBy));
      this.#files.push(file);
      const tensors = await READERS[format](file);
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
      ? `There are shards (${listNames(shards, 3)}) but no index that says what they hold (${weightNames('index').join(' or ')}).`
      : `There are no weights: neither ${weightNames('single').join(' nor ')}, nor shards with an index.`,
  );
}
