import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SilenceWatch } from './silence-watch.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An iterator whose events the test lets go. */
function controlled() {
  const asked: ((result: IteratorResult<string, void>) => void)[] = [];
  const next = vi.fn(() => new Promise<IteratorResult<string, void>>((resolve) => asked.push(resolve)));
  const give = (value: string): void => asked.shift()?.({ done: false, value });
  return { events: { next }, give };
}

describe('SilenceWatch', () => {
  it('hands events on that come in time', async () => {
    const { events, give } = controlled();
    const watch = new SilenceWatch(events, 15_000);
    for (const value of ['a', 'b']) {
      const heard = watch.next();
      await vi.advanceTimersByTimeAsync(14_999);
      give(value);
      expect(await heard).toEqual({ done: false, value });
    }
  });

  it('tells every silence of its length, and then the event that was asked for once', async () => {
    const { events, give } = controlled();
    const watch = new SilenceWatch(events, 15_000);
    for (let silence = 0; silence < 3; silence += 1) {
      const heard = watch.next();
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await heard).toBe('silence');
    }
    const heard = watch.next();
    give('late');
    expect(await heard).toEqual({ done: false, value: 'late' });
    expect(events.next).toHaveBeenCalledTimes(1);
  });

  it('keeps an event that comes between two waits', async () => {
    const { events, give } = controlled();
    const watch = new SilenceWatch(events, 15_000);
    const first = watch.next();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await first).toBe('silence');
    give('between');
    expect(await watch.next()).toEqual({ done: false, value: 'between' });
  });

  it('never ends a wait when its interval is 0', async () => {
    const { events, give } = controlled();
    const watch = new SilenceWatch(events, 0);
    const heard = watch.next();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(3_600_000);
    give('a');
    expect(await heard).toEqual({ done: false, value: 'a' });
  });

  it('fails with what the iterator fails with', async () => {
    const watch = new SilenceWatch({ next: () => Promise.reject(new RangeError('broken')) }, 15_000);
    await expect(watch.next()).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind the end of its events, nor when it is stopped before', async () => {
    const ended = new SilenceWatch({ next: () => Promise.resolve({ done: true, value: undefined }) }, 15_000);
    await ended.next();
    new SilenceWatch(controlled().events, 15_000).stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
