// Threads as Linux sees them: which one this is, what it has had of the processor, and how it stands back behind others. Other systems
// tell less, and there time is that of the clock.
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';

const OWN = '/proc/thread-self';

/** Number of the thread that asks, or null. */
export function ownThread(): number | null {
  return existsSync(OWN) ? Number(readlinkSync(OWN).split('/').at(-1)) : null;
}

/**
 * Tells milliseconds of the processor that a thread of this process has had, some of them late, or, where that is not known, those that
 * pass. Of a thread that has ended it tells what was told last.
 */
export function clockOf(thread: number | null): () => number {
  const file = `/proc/self/task/${thread}/schedstat`;
  if (thread === null || !existsSync(file)) return () => performance.now();
  // Nanoseconds on the processor, nanoseconds in line for it, and how often; of a running thread up to the last tick of the kernel.
  let lastMs = 0;
  return () => {
    try {
      lastMs = Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6;
    } catch (error) {
      // The file goes with the thread, and before anybody hears of its end.
      if (!isGone(error)) throw error;
    }
    return lastMs;
  };
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');

/** Lets threads of ordinary priority go first. Elsewhere than in Linux it would be the whole process that stands back. */
export function standBack(): void {
  if (process.platform === 'linux') os.setPriority(0, NICE);
}

/** Beside a busy thread on the same core this leaves a quarter of it: 335 of 335 + 1024 in sched_prio_to_weight of the kernel. */
const NICE = 5;
