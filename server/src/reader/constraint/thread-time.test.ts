import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { clockOf, ownThread } from './thread-time.js';

/** Works until it is told to end, and says first which thread it is. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', () => process.exit());
  parentPort.postMessage(Number(require('node:fs').readlinkSync('/proc/thread-self').split('/').at(-1)));
`;

describe.skipIf(ownThread() === null)('the clock of a thread', () => {
  it('goes on while the thread works, and stands still once it has ended', async () => {
    const worker = new Worker(PROGRAM, { eval: true });
    const [thread] = (await once(worker, 'message')) as [number];
    const clock = clockOf(thread);
    const beforeMs = clock();
    expect(beforeMs).toBeGreaterThan(0);
    worker.postMessage('end');
    await once(worker, 'exit');
    expect(clock()).toBeGreaterThanOrEqual(beforeMs);
    expect(clock()).toBe(clock());
  });
});
