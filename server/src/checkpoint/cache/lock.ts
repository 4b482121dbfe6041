// A lock between processes: two readers that start together convert a model once, two runs of `takeoff describe` write an output
// one after the other. The lock is a file that names its holder;
// the holder touches it every few seconds. A holder that is gone from this machine, or that has not touched its file for a while
// (another machine's, on a shared disk), was killed, and its lock is taken over.
import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { stopIfCancelled, unreadable } from '../failures.js';
import { isErrno } from '../files/positional-file.js';

const TOUCH_MS = 2_000;
/** Many missed touches: a process that lives touches even while all cores quantise. */
const STALE_MS = 30_000;
const ASK_AGAIN_MS = 250;
/** Two waiters may find the same lock stale; the second could remove what the first has just made. See acquire(). */
const SETTLE_MS = 25;

const holderSchema = z.object({ host: z.string(), pid: z.int().positive(), token: z.string() });

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
  while (!(await acquire(path))) {
    stopIfCancelled(signal);
    if (!hasWaited) onWait();
    hasWaited = true;
    if (await isAbandoned(path)) await rm(path, { force: true });
    else await delay(ASK_AGAIN_MS);
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

/** Makes the lock, and believes in it only if it is still there a moment later. */
async function acquire(path: string): Promise<boolean> {
  const token = randomUUID();
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify({ host: hostname(), pid: process.pid, token }));
    await file.close();
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw unreadable(path, 'No lock can be made here: the folder must be one that can be written to.', error);
  }
  await delay(SETTLE_MS);
  return (await holderOf(path))?.token === token;
}

/** Whether nobody holds the lock any more, although its file is there. */
export async function isAbandoned(path: string): Promise<boolean> {
  const holder = await holderOf(path);
  if (holder?.host === hostname() && holder.pid !== process.pid && !isRunning(holder.pid)) return true;
  try {
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs > STALE_MS;
  } catch (error) {
    // Released meanwhile: the next attempt will tell.
    if (isErrno(error, 'ENOENT')) return false;
    throw unreadable(path, 'This lock cannot be read.', error);
  }
}

/** Who holds the lock; undefined when it is released, or not yet written in full. */
async function holderOf(path: string): Promise<z.infer<typeof holderSchema> | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // An unreadable lock counts by its age alone.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user may not be signalled, but it exists.
    return isErrno(error, 'EPERM');
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  // A failed touch shows as age to others; the holder has nothing better to do than to go on.
  await utimes(path, now, now).catch(() => undefined);
}
