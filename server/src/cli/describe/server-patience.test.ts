import { beforeEach, describe, expect, it } from 'vitest';
import { ServerPatience } from './server-patience.js';

const failure = new TypeError('Nothing listens there.');
/** Lengths of the pauses in order. The clock of these tests moves only during pauses. */
let pauses: number[];
let nowMs: number;
let asked: number;
/** How often `isThere` still says no. */
let absences: number;
beforeEach(() => {
  pauses = [];
  nowMs = 1000;
  asked = 0;
  absences = 0;
});

const patience = (
  maxWaitMs = 60_000,
  onWait: (why: string, sinceMs: number) => void = () => undefined,
): ServerPatience =>
  new ServerPatience({
    isThere: () => Promise.resolve((asked += 1) > absences),
    maxWaitMs,
    onWait,
    pause: (durationMs) => {
      pauses.push(durationMs);
      nowMs += durationMs;
      return Promise.resolve();
    },
    nowMs: () => nowMs,
  });

describe('ServerPatience', () => {
  it('pauses once for all requests that wait, and lets them go on together when the server is there', async () => {
    const one = patience();
    await Promise.all([one.wait(failure), one.wait(failure), one.wait(failure)]);
    expect(pauses).toEqual([500]);
    expect(asked).toBe(1);
  });

  it('doubles its pauses up to ten seconds and reports the time since the last success', async () => {
    absences = 6;
    const told: number[] = [];
    await patience(60_000, (_, sinceMs) => told.push(sinceMs)).wait(failure);
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(told).toEqual([0, 500, 1500, 3500, 7500, 15_500, 25_500]);
  });

  it('pauses at least as long as Retry-After says', async () => {
    await patience().wait(failure, 7000);
    expect(pauses).toEqual([7000]);
  });

  it('doubles its pauses while a server that is there refuses, and starts anew after an answer', async () => {
    const one = patience();
    for (let n = 0; n < 3; n += 1) await one.wait(failure);
    one.noteAnswer();
    await one.wait(failure);
    expect(pauses).toEqual([500, 1000, 2000, 500]);
  });

  it('gives up after maxWaitMs without a success and says what failed and how to go on', async () => {
    absences = Infinity;
    await expect(patience(5000).wait(failure)).rejects.toMatchObject({
      code: 'command.incomplete',
      message: expect.stringMatching(/Nothing listens there\..*The same command goes on/u) as string,
    });
    expect(pauses).toEqual([500, 1000, 2000, 4000]);
  });

  it('counts the time from the last success, not from the first failure', async () => {
    const one = patience(5000);
    for (let n = 0; n < 20; n += 1) {
      await one.wait(failure, 2000);
      one.noteAnswer();
    }
    expect(pauses).toHaveLength(20);
  });
});
