import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cancelOnSignals } from './cancel-on-signals.js';

describe('cancelOnSignals', () => {
  it.each(['SIGINT', 'SIGTERM'])(
    'cancels at the first %s and stops listening, so that a second one ends the process',
    (name) => {
      const source = new EventEmitter();
      using cancellation = cancelOnSignals(source);
      expect(cancellation.signal.aborted).toBe(false);
      source.emit(name);
      expect(cancellation.signal.aborted).toBe(true);
      expect(source.eventNames()).toEqual([]);
    },
  );

  it('removes its listeners when it is disposed', () => {
    const source = new EventEmitter();
    {
      using cancellation = cancelOnSignals(source);
      expect(cancellation.signal.aborted).toBe(false);
    }
    expect(source.eventNames()).toEqual([]);
  });
});
