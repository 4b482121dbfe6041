// A GGUF file opened for reading: checked head in memory, tensor bytes on demand, and typed questions about the metadata.
import { malformed } from '../failures.js';
import { parsePrefix } from '../files/growing-prefix.js';
import { PositionalFile } from '../files/positional-file.js';
import { decodeGguf, type DecodedGguf, type GgufTensorInfo } from './decode.js';
import type { GgufMetadata } from './value.js';

/** Head of the largest vocabularies with merges: some 12 MiB. */
const MAX_HEAD_BYTES = 256 * 2 ** 20;

export class GgufFile {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  readonly #file: PositionalFile;

  private constructor(file: PositionalFile, decoded: DecodedGguf) {
    this.#file = file;
    this.metadata = decoded.metadata;
    this.tensors = new Map(decoded.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported */
  static async open(path: string): Promise<GgufFile> {
    const file = await PositionalFile.open(path);
    try {
      return new GgufFile(file, await parsePrefix(file, 0, MAX_HEAD_BYTES, decodeGguf));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }
  get name(): string {
    return this.#file.name;
  }
  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** All bytes of a tensor, or a range of them. */
  async read(tensor: GgufTensorInfo, offsetBytes = 0, byteCount = tensor.sizeBytes): Promise<Uint8Array> {
    if (offsetBytes < 0 || byteCount < 0 || offsetBytes + byteCount > tensor.sizeBytes)
      throw malformed(this.name, `Tensor ${tensor.name} has ${tensor.sizeBytes} bytes; more are asked for.`);
    return this.#file.read(tensor.offsetBytes + offsetBytes, byteCount);
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
    await this.#file.close();
  }

  #wrongType(key: string, wanted: string) {
    return malformed(this.name, `The metadata key ${key} should be ${wanted}.`);
  }
}
