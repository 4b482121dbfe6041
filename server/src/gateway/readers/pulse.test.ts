import { describe, expect, it } from 'vitest';
import type { FromReader } from '../../link/messages.js';
import { ReaderPulse } from './pulse.js';

const LIMITS = { readerMessageTimeoutMs: 6000, firstTokenTimeoutMs: 10_000 };
const beat = (running: number, steps: number): FromReader => ({ kind: 'heartbeat', running, steps });
const ticks = (pulse: ReaderPulse, count: number): (string | undefined)[] =>
  Array.from({ length: count }, () => pulse.tick());

describe('ReaderPulse', () => {
  it('finds a reader that says nothing at all', () => {
    const pulse = new ReaderPulse(LIMITS);
    expect(ticks(pulse, 7)).not.toContain(expect.any(String));
    expect(pulse.tick()).toBe('it said nothing for 6000 ms (reader_message_timeout_ms)');
  });

  it('takes any word as a sign of life', () => {
    const pulse = new ReaderPulse(LIMITS);
    for (let n = 0; n < 5; n += 1) {
      expect(ticks(pulse, 6)).not.toContain(expect.any(String));
      pulse.hear({ kind: 'log', level: 'info', message: 'busy' });
    }
  });

  it('gives a reader five seconds, however short the pause between tokens may be', () => {
    const pulse = new ReaderPulse({ readerMessageTimeoutMs: 1, firstTokenTimeoutMs: 1 });
    expect(ticks(pulse, 6)).not.toContain(expect.any(String));
    expect(pulse.tick()).toContain('it said nothing for 5000 ms');
  });

  it('finds an engine that stands still over its work, though the reader talks', () => {
    const pulse = new ReaderPulse(LIMITS);
    const judged = Array.from({ length: 12 }, () => {
      pulse.hear(beat(1, 7));
      return pulse.tick();
    });
    expect(judged.slice(0, 11)).not.toContain(expect.any(String));
    expect(judged[11]).toBe('its engine made no step for 10000 ms (first_token_timeout_ms)');
  });

  it('leaves an idle reader alone for ever, and one that makes a step now and then', () => {
    const pulse = new ReaderPulse(LIMITS);
    for (let n = 0; n < 100; n += 1) {
      pulse.hear(beat(0, 7));
      expect(pulse.tick()).toBeUndefined();
    }
    for (let n = 0; n < 100; n += 1) {
      pulse.hear(beat(3, 8 + Math.floor(n / 9)));
      expect(pulse.tick()).toBeUndefined();
    }
  });
});
