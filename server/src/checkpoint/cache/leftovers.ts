// Removes what killed conversions left in the model cache, whatever model they were of: half-written models are large.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandoned } from './lock.js';

/** A folder that is being written; its name without this is the model's. */
export const PARTIAL_SUFFIX = '.partial';
/** The lock of whoever writes it. */
export const LOCK_SUFFIX = '.lock';

export async function removeLeftovers(repositoryPath: string): Promise<void> {
  const names = await readdir(repositoryPath);
  for (const name of names.filter((entry) => entry.endsWith(PARTIAL_SUFFIX))) {
    const lockName = name.slice(0, -PARTIAL_SUFFIX.length) + LOCK_SUFFIX;
    const lockPath = join(repositoryPath, lockName);
    if (names.includes(lockName) && !(await isAbandoned(lockPath))) continue;
    await rm(join(repositoryPath, name), { recursive: true, force: true });
    await rm(lockPath, { force: true });
  }
}
