// Writes a GGUF file whose tensors arrive in any order and in pieces: the table of contents goes first, so every byte has its
// place from the start. The file carries a temporary name until it is complete and on disk; nobody can load half of it.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { CheckpointError, Defect } from '../../errors.js';
import { isErrno } from '../files/positional-file.js';
import { encodeGgufHead, type GgufHead, type PlacedTensor, type PlannedTensor } from './encode.js';
import type { GgufMetadata } from './value.js';

export class GgufWriter {
  readonly path: string;
  readonly #temporaryPath: string;
  readonly #handle: FileHandle;
  readonly #head: GgufHead;
  readonly #places: ReadonlyMap<string, PlacedTensor>;
  readonly #writtenBytes = new Map<string, number>();

  private constructor(path: string, temporaryPath: string, handle: FileHandle, head: GgufHead) {
    this.path = path;
    this.#temporaryPath = temporaryPath;
    this.#handle = handle;
    this.#head = head;
    this.#places = new Map(head.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** Begins `path` under the name `path`.partial. @throws CheckpointError checkpoint.unreadable */
  static async create(
    path: string,
    metadata: GgufMetadata,
    tensors: readonly PlannedTensor[],
  ): Promise<GgufWriter> {
    const head = encodeGgufHead(metadata, tensors);
    const temporaryPath = `${path}.partial`;
    try {
      const handle = await open(temporaryPath, 'w');
      const writer = new GgufWriter(path, temporaryPath, handle, head);
      await writer.#writeAt(head.bytes, 0);
      return writer;
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  get fileBytes(): number {
    return this.#head.fileBytes;
  }

  /** Writes a piece of a tensor, `offsetBytes` from its beginning. Pieces may come in any order, each once. */
  async write(name: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const place = this.#places.get(name);
    if (place === undefined || offsetBytes + bytes.length > place.sizeBytes)
      throw new Defect(
        `Piece at ${offsetBytes} with ${bytes.length} bytes does not belong to tensor ${name}.`,
      );
    try {
      await this.#writeAt(bytes, place.offsetBytes + offsetBytes);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
    this.#writtenBytes.set(name, (this.#writtenBytes.get(name) ?? 0) + bytes.length);
  }

  /** Gives the file its name after everything is on disk. */
  async finish(): Promise<void> {
    for (const { name, sizeBytes } of this.#places.values()) {
      const written = this.#writtenBytes.get(name) ?? 0;
      if (written !== sizeBytes) throw new Defect(`Tensor ${name} got ${written} of its ${sizeBytes} bytes.`);
    }
    try {
      await this.#handle.truncate(this.#head.fileBytes);
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temporaryPath, this.path);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }

  /** Gives up: closes and removes what there is. Safe to call at any time. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporaryPath, { force: true });
  }

  async #writeAt(bytes: Uint8Array, offsetBytes: number): Promise<void> {
    let doneBytes = 0;
    while (doneBytes < bytes.length) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        doneBytes,
        bytes.length - doneBytes,
        offsetBytes + doneBytes,
      );
      doneBytes += bytesWritten;
    }
  }
}

/** What the operator should read when a write fails; a full disk is by far the most frequent reason. */
export function writeFailure(path: string, error: unknown): unknown {
  if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT')) {
    return new CheckpointError(
      'checkpoint.unreadable',
      `${path}: The disk is full. Free some space, or put the model cache elsewhere (TAKEOFF_REPOSITORY_PATH), or choose a smaller type (TAKEOFF_QUANT_TYPE).`,
      { cause: error },
    );
  }
  if (isErrno(error)) {
    return new CheckpointError(
      'checkpoint.unreadable',
      `${path}: Writing failed (${error.code}). The model cache (TAKEOFF_REPOSITORY_PATH) must be a folder that can be written to.`,
      { cause: error },
    );
  }
  return error;
}
