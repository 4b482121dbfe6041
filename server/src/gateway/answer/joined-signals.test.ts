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

  it('leaves no listener in its sources once it was released', () => {
    const source = new AbortController();
    const joined = joinSignals(source.signal);
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
    joined.release();
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(0);
    source.abort();
    expect(joined.signal.aborted).toBe(false);
  });
});
