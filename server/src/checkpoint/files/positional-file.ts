// A regular file read by position through one handle. Reads are exact or throw; nothing is cached or mapped.
import { open, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { Defect } from '../../errors.js';
import { incomplete, malformed, missing, unreadable } from '../failures.js';
import type { ByteSource } from './byte-source.js';

/** Node reads at most 2^31 - 1 bytes a call; a single request of ours is a chunk of rows, far below. */
const MAX_READ_BYTES = 2 ** 30;
/** How a pointer begins (git-lfs, docs/spec.md), and what none exceeds. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
const MAX_POINTER_BYTES = 1024;

export class PositionalFile implements ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /**
   * @throws CheckpointError checkpoint.missing, checkpoint.unreadable (also for folders, pipes and devices), checkpoint.incomplete (a pointer of
   * Git LFS)
   */
  static async open(path: string): Promise<PositionalFile> {
    try {
      // Asked before opening: opening a pipe would wait for a writer.
      const facts = await stat(path);
      if (!facts.isFile()) throw unreadable(path, 'This is not a regular file.', undefined);
      const file = new PositionalFile(path, facts.size, await open(path, 'r'));
      await validateNoPointer(file);
      return file;
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR'))
        throw missing(path, 'There is no such file.', { cause: error });
      if (isErrno(error)) throw unreadable(path, `The file cannot be opened (${error.code}).`, error);
      throw error;
    }
  }

  get name(): string {
    return basename(this.path);
  }

  async read(offsetBytes: number, byteCount: number): Promise<Uint8Array> {
    if (byteCount > MAX_READ_BYTES)
      throw new Defect(`A read of ${byteCount} bytes at once; at most ${MAX_READ_BYTES}.`);
    if (offsetBytes < 0 || byteCount < 0 || offsetBytes + byteCount > this.sizeBytes) {
      throw malformed(
        this.name,
        `Bytes ${offsetBytes} to ${offsetBytes + byteCount} are needed, but the file has ${this.sizeBytes}.`,
      );
    }
    const target = Buffer.allocUnsafeSlow(byteCount);
    let filledBytes = 0;
    while (filledBytes < byteCount) {
      const { bytesRead } = await this.#readSome(target, filledBytes, offsetBytes);
      if (bytesRead === 0) throw malformed(this.name, 'The file became shorter while it was read.');
      filledBytes += bytesRead;
    }
    return new Uint8Array(target.buffer, target.byteOffset, byteCount);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #readSome(target: Buffer, filledBytes: number, offsetBytes: number) {
    try {
      return await this.#handle.read(
        target,
        filledBytes,
        target.length - filledBytes,
        offsetBytes + filledBytes,
      );
    } catch (error) {
      throw unreadable(this.path, 'Reading failed.', error);
    }
  }
}

/** Files of Git LFS stand in for large ones until they are fetched; whatever format they stand for, they are not of it. */
async function validateNoPointer(file: PositionalFile): Promise<void> {
  if (file.sizeBytes > MAX_POINTER_BYTES || file.sizeBytes < LFS_POINTER.length) return;
  try {
    const text = Buffer.from(await file.read(0, file.sizeBytes)).toString('latin1');
    if (!text.startsWith(LFS_POINTER)) return;
    const size = /^size (\d{1,15})$/m.exec(text)?.[1];
    throw incomplete(
      file.path,
      `This is a Git LFS pointer, not the file${size === undefined ? '' : ` of ${size} bytes`} that it stands for. Run git lfs pull in its folder, or download the file itself.`,
    );
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whether an error is one of the operating system's, and of the given code. */
export function isErrno(error: unknown, code?: string): error is NodeJS.ErrnoException & { code: string } {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return 'errno' in error && (code === undefined || error.code === code);
}
