import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { joinSignals } from './joined-signals.js';

describe('joinSignals', () => {
  it.each([0, 1])('is aborted when source %i is', (index) => {
    const sources = [new AbortController(), new AbortController()];
    const { signal } = joinSignals(...sources.map((source) => source.signal));
    expect(signal.aborted).toBe(false);
    sources[index]?.abort();
    expect(signal.aborted).toBe(true);
  });

  it('is aborted from the beginning when a source was aborted before', () => {
    expect(joinSignals(new AbortController().signal, AbortSignal.abort()).signal.aborted).toBe(true);
  });

  it('is aborted when it is first asked for after a source was aborted', () => {
    const source = new AbortController();
    const joined = joinSignals(source.signal);
    source.abort();
    expect(joined.signal.aborted).toBe(true);
  });

  it('listens to its sources from when it is first asked for until it is released', () => {
    const source = new AbortController();
    const joined = joinSignals(source.signal);
    const listenerCount = (): number => getEventListeners(source.signal, 'abort').length;
    expect(listenerCount()).toBe(0);
    const { signal } = joined;
    expect(listenerCount()).toBe(1);
    expect(joined.signal).toBe(signal);
    expect(listenerCount()).toBe(1);
    joined.release();
    expect(listenerCount()).toBe(0);
    source.abort();
    expect(signal.aborted).toBe(false);
  });
});
