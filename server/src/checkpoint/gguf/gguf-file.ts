// A GGUF file opened for reading: checked head in memory, tensor bytes on demand, and typed questions about the metadata. A model that is
// split over several files is one here: the first file's metadata, and the tensors of all.
import { basename, dirname, join } from 'node:path';
import { incomplete, malformed } from '../failures.js';
import { parsePrefix } from '../files/growing-prefix.js';
import { PositionalFile } from '../files/positional-file.js';
import { decodeGguf, type DecodedGguf, type GgufTensorInfo } from './decode.js';
import { parseSplitName, splitName } from './split-name.js';
import { GGUF_MAGIC, type GgufMetadata } from './value.js';

/** Head of the largest vocabularies with merges: some 12 MiB. */
const MAX_HEAD_BYTES = 256 * 2 ** 20;
/** The largest published models have some dozens; each is an open file. */
const MAX_SPLITS = 512;
const SPLITS_KEY = 'split.count';
const MAGIC_BYTES = 4;

interface Part {
  readonly file: PositionalFile;
  readonly head: DecodedGguf;
}

export class GgufFile {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  readonly #first: PositionalFile;
  readonly #parts: readonly Part[];
  readonly #homes: ReadonlyMap<GgufTensorInfo, PositionalFile>;

  private constructor(first: Part, further: readonly Part[]) {
    this.#first = first.file;
    this.#parts = [first, ...further];
    this.metadata = first.head.metadata;
    this.tensors = tensorsOf(this.#parts);
    this.#homes = new Map(
      this.#parts.flatMap(({ file, head }) => head.tensors.map((tensor) => [tensor, file] as const)),
    );
  }

  /**
   * A file, and the others of a model that is split.
   * @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported, checkpoint.incomplete
   */
  static async open(path: string): Promise<GgufFile> {
    const first = await openPart(path);
    const further: Part[] = [];
    try {
      for (const split of splitsOf(path, first.head)) further.push(await openPart(split));
      return new GgufFile(first, further);
    } catch (error) {
      await Promise.all([first, ...further].map(({ file }) => file.close()));
      throw error;
    }
  }

  /** Whether a file is GGUF by its first bytes, whatever its name. @throws CheckpointError checkpoint.missing, checkpoint.unreadable */
  static async isGguf(path: string): Promise<boolean> {
    const file = await PositionalFile.open(path);
    try {
      if (file.sizeBytes < MAGIC_BYTES) return false;
      return Buffer.from(await file.read(0, MAGIC_BYTES)).readUInt32LE() === GGUF_MAGIC;
    } finally {
      await file.close();
    }
  }

  /** Of the first file, where there are several. */
  get path(): string {
    return this.#first.path;
  }
  get name(): string {
    return this.#first.name;
  }
  /** Of all files together. */
  get sizeBytes(): number {
    return this.#parts.reduce((sum, { file }) => sum + file.sizeBytes, 0);
  }

  /** The file in which a tensor's offset counts. */
  pathOf(tensor: GgufTensorInfo): string {
    return (this.#homes.get(tensor) ?? this.#first).path;
  }

  /** All bytes of a tensor, or a range of them. */
  async read(tensor: GgufTensorInfo, offsetBytes = 0, byteCount = tensor.sizeBytes): Promise<Uint8Array> {
    if (offsetBytes < 0 || byteCount < 0 || offsetBytes + byteCount > tensor.sizeBytes)
      throw malformed(this.name, `Tensor ${tensor.name} has ${tensor.sizeBytes} bytes; more are asked for.`);
    return (this.#homes.get(tensor) ?? this.#first).read(tensor.offsetBytes + offsetBytes, byteCount);
  }

  /** A number of any width, or undefined when the key is absent. @throws when it is something else */
  number(key: string): number | undefined {
    const value = this.metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value.value === 'bigint' && value.value >= 0 && value.value <= Number.MAX_SAFE_INTEGER)
      return Number(value.value);
    if (typeof value.value === 'number') return value.value;
    throw this.#wrongType(key, 'a number');
  }

  string(key: string): string | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || value.type === 'string') return value?.value;
    throw this.#wrongType(key, 'a string');
  }

  boolean(key: string): boolean | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || value.type === 'bool') return value?.value;
    throw this.#wrongType(key, 'a truth value');
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.metadata.get(key);
    if (value === undefined) return undefined;
    if (value.type === 'strings') return value.value;
    throw this.#wrongType(key, 'an array of strings');
  }

  numbers(key: string): readonly number[] | undefined {
    const value = this.metadata.get(key);
    if (value === undefined) return undefined;
    if (value.type === 'numbers') return value.value;
    if (value.type === 'bigints') return value.value.map(Number);
    throw this.#wrongType(key, 'an array of numbers');
  }

  /** @throws CheckpointError checkpoint.malformed when the answer of one of the questions above is undefined */
  require<T>(answer: T | undefined, key: string): T {
    if (answer === undefined) throw malformed(this.name, `The metadata key ${key} is missing.`);
    return answer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#parts.map(({ file }) => file.close()));
  }

  #wrongType(key: string, wanted: string) {
    return malformed(this.name, `The metadata key ${key} should be ${wanted}.`);
  }
}

async function openPart(path: string): Promise<Part> {
  const file = await PositionalFile.open(path);
  try {
    return { file, head: await parsePrefix(file, 0, MAX_HEAD_BYTES, decodeGguf) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Paths of the other files of a split model; none for a whole one. */
function splitsOf(path: string, { metadata }: DecodedGguf): string[] {
  const count = metadata.get(SPLITS_KEY)?.value;
  if (typeof count !== 'number' || count <= 1) return [];
  const name = basename(path);
  if (count > MAX_SPLITS)
    throw malformed(name, `The model is split into ${count} files; at most ${MAX_SPLITS}.`);
  const split = parseSplitName(name);
  if (split?.number !== 1 || split.count !== count)
    throw incomplete(
      path,
      `This is one of the ${count} files of a split model. Give the first, under its name that ends in -00001-of-${String(count).padStart(5, '0')}.gguf, with the others beside it.`,
    );
  return Array.from({ length: count - 1 }, (_, index) => join(dirname(path), splitName(split, index + 2)));
}

function tensorsOf(parts: readonly Part[]): Map<string, GgufTensorInfo> {
  const tensors = new Map<string, GgufTensorInfo>();
  for (const { file, head } of parts) {
    for (const tensor of head.tensors) {
      if (tensors.has(tensor.name))
        throw malformed(file.name, `Tensor ${tensor.name} is in another file of the split model, too.`);
      tensors.set(tensor.name, tensor);
    }
  }
  return tensors;
}
