import { describe, expect, it } from 'vitest';
import { HubError } from '../../errors.js';
import { retryAfterMs, withRetries, type RetryPolicy } from './retry.js';

const unreachable = (askedMs: number | null = null) =>
  new HubError('hub.unreachable', 'Gone.', { details: { retryAfterMs: askedMs } });

function policy(attempts: number) {
  const pausesMs: number[] = [];
  const messages: string[] = [];
  const made: RetryPolicy = {
    attempts,
    signal: undefined,
    waits: {
      delay: (ms) => {
        pausesMs.push(ms);
        return Promise.resolve();
      },
      nowMs: () => 0,
      stallMs: 1000,
    },
    onRetry: (message) => messages.push(message),
  };
  return { policy: made, pausesMs, messages };
}

describe('withRetries', () => {
  it('doubles the pause, and gives up with the last failure', async () => {
    const { policy: made, pausesMs, messages } = policy(4);
    let runs = 0;
    const work = () => {
      runs++;
      return Promise.reject(unreachable());
    };
    await expect(withRetries(made, work)).rejects.toMatchObject({ code: 'hub.unreachable' });
    expect(runs).toBe(4);
    expect(pausesMs).toEqual([1000, 2000, 4000]);
    expect(messages[2]).toContain('Trying again in 4 s.');
  });

  it('waits as long as the server asks, but no longer than five minutes', async () => {
    const { policy: made, pausesMs } = policy(3);
    const failures = [unreachable(7000), unreachable(86_400_000)];
    const work = () => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve('done') : Promise.reject(failure);
    };
    await expect(withRetries(made, work)).resolves.toBe('done');
    expect(pausesMs).toEqual([7000, 300_000]);
  });

  it('counts anew after progress, and does not take a restart for progress', async () => {
    const { policy: made, pausesMs } = policy(2);
    const reached = [10, 20, 5, 15];
    let bytes = 0;
    const work = () => {
      bytes = reached.shift() ?? 0;
      return Promise.reject(unreachable());
    };
    await expect(withRetries(made, work, () => bytes)).rejects.toMatchObject({ code: 'hub.unreachable' });
    expect(reached).toEqual([15]);
    expect(pausesMs).toEqual([1000, 1000]);
  });

  it('does not repeat what fails for good', async () => {
    const { policy: made, pausesMs } = policy(5);
    const work = () => Promise.reject(new HubError('hub.denied', 'No.'));
    await expect(withRetries(made, work)).rejects.toMatchObject({ code: 'hub.denied' });
    expect(pausesMs).toEqual([]);
  });

  it('ends a pause when it is cancelled', async () => {
    const controller = new AbortController();
    const { policy: made } = policy(5);
    const waits = {
      ...made.waits,
      delay: () => {
        controller.abort();
        return Promise.reject(new DOMException('aborted', 'AbortError'));
      },
    };
    const run = withRetries({ ...made, waits, signal: controller.signal }, () =>
      Promise.reject(unreachable()),
    );
    await expect(run).rejects.toMatchObject({ code: 'checkpoint.cancelled' });
  });
});

describe('retryAfterMs', () => {
  it('reads seconds and dates', () => {
    expect(retryAfterMs('120', 0)).toBe(120_000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20_000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 40_000)).toBe(0);
  });

  it('takes nonsense and nothing for no wish', () => {
    expect(retryAfterMs('soon', 0)).toBeNull();
    expect(retryAfterMs(null, 0)).toBeNull();
  });
});
