// A lock between processes, so that two readers that start together convert a model once. The lock is a file that its holder
// touches every few seconds; one that has not been touched for a while belonged to a process that was killed.
import { open, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { stopIfCancelled, unreadable } from '../failures.js';
import { isErrno } from '../files/positional-file.js';

const TOUCH_MS = 2_000;
/** Many missed touches: a process that lives touches even while both cores quantise. */
const STALE_MS = 30_000;
const ASK_AGAIN_MS = 250;

/**
 * Runs `work` while holding the lock; waits for another holder first.
 * @throws CheckpointError checkpoint.cancelled while waiting, checkpoint.unreadable when the file cannot be made
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let hasWaited = false;
  while (!(await tryLock(path))) {
    stopIfCancelled(signal);
    if (!hasWaited) onWait();
    hasWaited = true;
    await removeIfStale(path);
    await delay(ASK_AGAIN_MS);
  }
  const touching = setInterval(() => void touch(path), TOUCH_MS);
  touching.unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(`${process.pid}\n`);
    await file.close();
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw unreadable(path, 'The model cache (TAKEOFF_REPOSITORY_PATH) cannot be written to.', error);
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  // A failed touch shows as staleness to others; the holder has nothing better to do than to go on.
  await utimes(path, now, now).catch(() => undefined);
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_MS) await rm(path, { force: true });
  } catch (error) {
    // Released meanwhile: the next attempt will tell.
    if (!isErrno(error, 'ENOENT'))
      throw unreadable(path, 'The lock of the model cache cannot be read.', error);
  }
}
