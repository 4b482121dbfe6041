import { describe, expect, it } from 'vitest';
import { joinFlags, StopFlag } from './stop-flag.js';

describe('StopFlag', () => {
  it('calls every listener once when it is raised, and none that left or came too late', () => {
    const flag = new StopFlag();
    const called: string[] = [];
    const leaves = (): void => void called.push('left');
    flag.listen(() => called.push(`first, raised: ${flag.isRaised}`));
    flag.listen(leaves);
    flag.listen(() => called.push('second'));
    flag.unlisten(leaves);
    flag.raise();
    flag.listen(() => called.push('late'));
    flag.raise();
    expect(called).toEqual(['first, raised: true', 'second']);
  });

  it('calls those that leave while it is being raised', () => {
    const flag = new StopFlag();
    const called: string[] = [];
    const second = (): void => void called.push('second');
    flag.listen(() => flag.unlisten(second));
    flag.listen(second);
    flag.raise();
    expect(called).toEqual(['second']);
  });
});

describe('joinFlags', () => {
  it.each([0, 1])('makes a signal that is aborted when flag %i is raised', (index) => {
    const flags = [new StopFlag(), new StopFlag()];
    const { signal } = joinFlags(...flags);
    expect(signal.aborted).toBe(false);
    flags[index]?.raise();
    expect(signal.aborted).toBe(true);
  });

  it('makes one that is aborted from the beginning when a flag was raised before it is asked for', () => {
    const flag = new StopFlag();
    const joined = joinFlags(new StopFlag(), flag);
    flag.raise();
    expect(joined.signal.aborted).toBe(true);
  });

  it('makes one signal, which no flag aborts after its release', () => {
    const flag = new StopFlag();
    const joined = joinFlags(flag);
    const { signal } = joined;
    expect(joined.signal).toBe(signal);
    joined.release();
    flag.raise();
    expect(signal.aborted).toBe(false);
  });
});
