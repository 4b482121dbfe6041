// A folder of the model cache: it has its name only when it is complete, because it is made under another name that is changed at the
// end. Processes that want the same folder wait for the one that makes it; what a killed one left behind is removed by the next.
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadable } from '../failures.js';
import { writeFailure } from '../gguf/writer.js';
import { modelName } from '../source/config-parts.js';
import { LOCK_SUFFIX, PARTIAL_SUFFIX, removeLeftovers } from './leftovers.js';
import { withLock } from './lock.js';

export interface ConvertedFolder {
  /** The model cache. */
  readonly repositoryPath: string;
  /** Of the folder in it. */
  readonly name: string;
  /** Whether a folder holds what it should. A damaged one (a disk that lost pages, a hand-made change) is made again. */
  readonly isComplete: (folder: string) => Promise<boolean>;
  /** Fills an empty folder. */
  readonly make: (folder: string) => Promise<void>;
  readonly onWaiting: (lockPath: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** The complete folder, made now if it is not there. @throws CheckpointError of any code */
export async function findOrMake(wanted: ConvertedFolder): Promise<string> {
  const { repositoryPath, name, isComplete, onWaiting, signal } = wanted;
  const folder = join(repositoryPath, name);
  if (await isComplete(folder)) return folder;
  await makeFolder(repositoryPath);
  const lockPath = `${folder}${LOCK_SUFFIX}`;
  return withLock(
    lockPath,
    signal,
    () => onWaiting(lockPath),
    async () => {
      // Another process may have finished while this one waited.
      if (!(await isComplete(folder))) {
        await removeLeftovers(repositoryPath);
        await makeComplete(folder, wanted);
      }
      return folder;
    },
  );
}

async function makeComplete(folder: string, { make }: ConvertedFolder): Promise<void> {
  const partial = `${folder}${PARTIAL_SUFFIX}`;
  // Whatever is here was left by a process that was killed: the lock is ours.
  await rm(partial, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await makeFolder(partial);
  try {
    await make(partial);
    await rename(partial, folder).catch((error: unknown) => {
      throw writeFailure(folder, error);
    });
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await readdir(path);
  } catch (error) {
    throw unreadable(path, 'The model cache (TAKEOFF_REPOSITORY_PATH) cannot be created here.', error);
  }
}

/** A source's own name as far as every file system can spell it. */
export function folderName(source: string): string {
  return (
    modelName(source)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(0, 64) || 'model'
  );
}
