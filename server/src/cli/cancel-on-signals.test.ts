import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cancelOnSignals } from './cancel-on-signals.js';

describe('cancelOnSignals', () => {
  it.each(['SIGINT', 'SIGTERM'])('cancels at %s, and leaves the next signal to the system', (name) => {
    const source = new EventEmitter();
    using cancellation = cancelOnSignals(source);
    expect(cancellation.signal.aborted).toBe(false);
    source.emit(name);
    expect(cancellation.signal.aborted).toBe(true);
    expect(source.eventNames()).toEqual([]);
  });

  it('leaves no listener behind when it is not needed any more', () => {
    const source = new EventEmitter();
    {
      using cancellation = cancelOnSignals(source);
      expect(cancellation.signal.aborted).toBe(false);
    }
    expect(source.eventNames()).toEqual([]);
  });
});
