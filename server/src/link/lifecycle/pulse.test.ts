import { describe, expect, it } from 'vitest';
import type { FromReader } from '../messages.js';
import { ReaderPulse } from './pulse.js';
import { NOTHING_COUNTED } from './reader-counts.js';

const LIMITS = { readerMessageTimeoutMs: 6000, firstTokenTimeoutMs: 10_000 };
const beat = (running: number, steps: number): FromReader => ({
  kind: 'heartbeat',
  running,
  steps,
  counts: NOTHING_COUNTED,
});
/** What is held against a reader in so many ticks, before each of which it may say something. */
const held = (pulse: ReaderPulse, count: number, said?: FromReader): string[] =>
  Array.from({ length: count }, () => {
    if (said !== undefined) pulse.hear(said);
    return pulse.tick();
  }).filter((reason) => reason !== undefined);

describe('ReaderPulse', () => {
  it('finds a reader that says nothing at all', () => {
    const pulse = new ReaderPulse(LIMITS);
    expect(held(pulse, 7)).toEqual([]);
    expect(pulse.tick()).toBe('it said nothing for 6000 ms (reader_message_timeout_ms)');
  });

  it('takes any word as a sign of life', () => {
    const pulse = new ReaderPulse(LIMITS);
    for (let n = 0; n < 5; n += 1) {
      expect(held(pulse, 6)).toEqual([]);
      pulse.hear({ kind: 'log', level: 'info', message: 'busy' });
    }
  });

  it('gives a reader five seconds, however short the pause between tokens may be', () => {
    const pulse = new ReaderPulse({ readerMessageTimeoutMs: 1, firstTokenTimeoutMs: 1 });
    expect(held(pulse, 6)).toEqual([]);
    expect(pulse.tick()).toContain('it said nothing for 5000 ms');
  });

  it('finds an engine that stands still over its work, though the reader talks', () => {
    const pulse = new ReaderPulse(LIMITS);
    expect(held(pulse, 11, beat(1, 7))).toEqual([]);
    expect(held(pulse, 1, beat(1, 7))).toEqual([
      'its engine made no step for 10000 ms (first_token_timeout_ms)',
    ]);
  });

  it('gives a standing engine the pause between tokens only, once an answer that had begun stalled', () => {
    const pulse = new ReaderPulse(LIMITS);
    expect(held(pulse, 6, beat(1, 7))).toEqual([]);
    pulse.suspect();
    expect(held(pulse, 1, beat(1, 7))).toEqual([]);
    expect(held(pulse, 1, beat(1, 7))).toEqual([
      'its engine made no step for 6000 ms (reader_message_timeout_ms)',
    ]);
  });

  it('forgets the stalled answer when the engine makes a step', () => {
    const pulse = new ReaderPulse(LIMITS);
    pulse.hear(beat(2, 7));
    pulse.suspect();
    expect(held(pulse, 11, beat(2, 8))).toEqual([]);
  });

  it('forgets the stalled answer when the engine has nothing left to do', () => {
    const pulse = new ReaderPulse(LIMITS);
    pulse.hear(beat(2, 7));
    pulse.suspect();
    pulse.hear(beat(0, 7));
    expect(held(pulse, 11, beat(2, 7))).toEqual([]);
  });

  it('gives an idle reader its silence, however short the limit of the first token is', () => {
    const pulse = new ReaderPulse({ readerMessageTimeoutMs: 20_000, firstTokenTimeoutMs: 6000 });
    pulse.hear(beat(0, 7));
    expect(held(pulse, 21)).toEqual([]);
    expect(held(pulse, 1)).toEqual(['it said nothing for 20000 ms (reader_message_timeout_ms)']);
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

  it('counts the seconds between its ticks, however many those are', () => {
    const pulse = new ReaderPulse({ readerMessageTimeoutMs: 20_000, firstTokenTimeoutMs: 60_000 }, 10_000);
    expect(held(pulse, 3)).toEqual([]);
    expect(held(pulse, 1)).toEqual(['it said nothing for 20000 ms (reader_message_timeout_ms)']);
  });
});
