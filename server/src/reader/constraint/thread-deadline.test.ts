import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setDeadline } from './thread-deadline.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Milliseconds after which a deadline of 100 ms passes for a thread that has a share of the processor. */
function passedAfter(share: number): number | undefined {
  let passedMs: number | undefined;
  const startMs = performance.now();
  const clock = () => (performance.now() - startMs) * share;
  setDeadline(100, clock, () => {
    passedMs = performance.now() - startMs;
  });
  vi.advanceTimersByTime(1_000);
  return passedMs;
}

describe('a deadline for the work of a thread', () => {
  it.each([
    ['at once where it has the processor for itself', 1, 100],
    ['later where it shares the processor', 0.5, 200],
    ['after four times as long at the latest', 0.01, 400],
  ])('passes %s', (_, share, ms) => {
    expect(passedAfter(share)).toBeGreaterThanOrEqual(ms - 2);
    expect(passedAfter(share)).toBeLessThanOrEqual(ms);
  });

  it('does not pass once it is lifted', () => {
    const onPassed = vi.fn();
    setDeadline(100, () => performance.now(), onPassed)();
    vi.advanceTimersByTime(1_000);
    expect(onPassed).not.toHaveBeenCalled();
  });
});
