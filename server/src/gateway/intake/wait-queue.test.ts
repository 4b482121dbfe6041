import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CapacityError } from '../../errors.js';
import { WaitQueue } from './wait-queue.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
const never = new AbortController().signal;
const busy = (): CapacityError => new CapacityError('image.fetch_busy', 'All are taken.', 1000);
const queue = (maxWaiting = 9, maxWaitMs = 100): WaitQueue<string> =>
  new WaitQueue({ maxWaiting, maxWaitMs, busy });

describe('WaitQueue', () => {
  it('hands places over in the order of arrival, and says when nobody waits', async () => {
    const one = queue();
    const waiting = [one.wait(never), one.wait(never)];
    expect([one.grant('a'), one.grant('b'), one.grant('c')]).toEqual([true, true, false]);
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
    expect(one.waitingCount).toBe(0);
  });

  it('refuses who finds it full, and who waited too long', async () => {
    const one = queue(1);
    const late = expect(one.wait(never)).rejects.toMatchObject({ code: 'image.fetch_busy' });
    await expect(one.wait(never)).rejects.toThrow('All are taken');
    await vi.advanceTimersByTimeAsync(100);
    await late;
    expect(one.grant('a')).toBe(false);
  });

  it('gives a place to nobody who left, and forgets timers and listeners of all who got one', async () => {
    const one = queue();
    const gone = new AbortController();
    const left = expect(one.wait(gone.signal)).rejects.toThrow('gone');
    const next = one.wait(never);
    gone.abort(new TypeError('gone'));
    await left;
    one.grant('a');
    await expect(next).resolves.toBe('a');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('refuses all who wait with one reason', async () => {
    const one = queue();
    const waiting = [one.wait(never), one.wait(never)];
    one.refuseAll(new TypeError('closing'));
    for (const each of waiting) await expect(each).rejects.toThrow('closing');
  });
});
