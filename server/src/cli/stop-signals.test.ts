import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { listenForStop } from './stop-signals.js';

describe('listenForStop', () => {
  it.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
  ])('tells the first signal (%s) from the second (%s)', (one, two) => {
    const source = new EventEmitter();
    using stop = listenForStop(source);
    expect([stop.first.aborted, stop.second.aborted]).toEqual([false, false]);
    source.emit(one);
    expect([stop.first.aborted, stop.second.aborted]).toEqual([true, false]);
    source.emit(two);
    expect([stop.first.aborted, stop.second.aborted]).toEqual([true, true]);
  });

  it('leaves no listener behind', () => {
    const source = new EventEmitter();
    {
      using stop = listenForStop(source);
      expect(stop.first.aborted).toBe(false);
    }
    expect(source.eventNames()).toEqual([]);
  });
});
