// The disk as downloads need it: files that grow at their end and survive an interrupted download, and the space that is left.
import { createReadStream } from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';
import { CheckpointError } from '../../errors.js';
import { isErrno } from '../files/positional-file.js';

export interface PartFile {
  readonly sizeBytes: number;
  /** What is there already, from the start. */
  read(): AsyncIterable<Uint8Array>;
  append(bytes: Uint8Array): Promise<void>;
  /** Forgets what is there. */
  clear(): Promise<void>;
  /** Waits until everything is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  readonly openPart: (path: string) => Promise<PartFile>;
  /** Bytes that may still be written below the folder, null when the system does not say. */
  readonly freeBytes: (folder: string) => Promise<number | null>;
}

export const REAL_DISK: Disk = {
  openPart: async (path) => {
    const handle = await open(path, 'a+');
    return new GrowingFile(path, handle, (await handle.stat()).size);
  },
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    // File systems without a limit of their own report zero blocks.
    return bsize === 0 ? null : bavail * bsize;
  },
};

class GrowingFile implements PartFile {
  sizeBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async *read(): AsyncIterable<Uint8Array> {
    if (this.sizeBytes === 0) return;
    const pieces: AsyncIterable<Uint8Array> = createReadStream(this.#path, {
      end: this.sizeBytes - 1,
      highWaterMark: 2 ** 20,
    });
    yield* pieces;
  }

  async append(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done);
      done += bytesWritten;
      this.sizeBytes += bytesWritten;
    }
  }

  async clear(): Promise<void> {
    await this.#handle.truncate(0);
    this.sizeBytes = 0;
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** What the operator should read when the disk refuses. */
export function diskFailure(path: string, error: unknown): unknown {
  if (!isErrno(error)) return error;
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new CheckpointError(
    'checkpoint.unreadable',
    isFull
      ? `${path}: The disk is full. Free some space, or put the model cache elsewhere (TAKEOFF_REPOSITORY_PATH). What has arrived is kept, and the next start goes on from there.`
      : `${path}: The model cache (TAKEOFF_REPOSITORY_PATH) cannot be read or written (${error.code}).`,
    { cause: error },
  );
}

/** Refuses a download that cannot fit, before it starts. @throws CheckpointError checkpoint.unreadable */
export async function requireSpace(disk: Disk, folder: string, neededBytes: number): Promise<void> {
  const freeBytes = await disk.freeBytes(folder);
  if (freeBytes === null || neededBytes <= freeBytes) return;
  throw new CheckpointError(
    'checkpoint.unreadable',
    `${folder}: The download needs ${gigabytes(neededBytes)} more, but only ${gigabytes(freeBytes)} are free. Free some space, or put the model cache elsewhere (TAKEOFF_REPOSITORY_PATH).`,
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
