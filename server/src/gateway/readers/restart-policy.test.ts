import { describe, expect, it } from 'vitest';
import { RestartPolicy } from './restart-policy.js';

const DIED = 'reader.died';
const UNREACHABLE = 'hub.unreachable';
const clock = { nowMs: 0 };
const policyOf = (random = 0): RestartPolicy =>
  new RestartPolicy({ random: () => random, nowMs: () => clock.nowMs });

describe('RestartPolicy', () => {
  it('starts a reader at once that has answered since its start, however often it dies', () => {
    const policy = policyOf(0);
    for (let life = 1; life <= 100; life += 1) {
      policy.noteAnswer();
      expect(policy.delayAfterDeathMs(DIED, true)).toBe(0);
    }
  });

  it('doubles the delay with each death that follows another without an answer, up to 30 s', () => {
    const policy = policyOf(0);
    const delays = Array.from({ length: 9 }, () => policy.delayAfterDeathMs(DIED, true));
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    for (let death = 10; death <= 2000; death += 1)
      expect(policy.delayAfterDeathMs(DIED, false)).toBe(30_000);
  });

  it('begins with the shortest delay again after an answer', () => {
    const policy = policyOf(0);
    for (let death = 1; death <= 5; death += 1) policy.delayAfterDeathMs(DIED, true);
    policy.noteAnswer();
    const delays = Array.from({ length: 3 }, () => policy.delayAfterDeathMs(DIED, true));
    expect(delays).toEqual([0, 500, 1000]);
  });

  it('cuts delays by up to a half at random', () => {
    expect(policyOf(1).delayAfterDeathMs(DIED, true)).toBe(250);
    expect(policyOf(0.5).delayAfterDeathMs(DIED, true)).toBe(375);
  });

  it.each([
    'checkpoint.malformed',
    'config.invalid',
    'native.library_missing',
    'native.device_missing',
    'hub.denied',
    'hub.not_found',
    'hub.corrupt',
    'hub.offline',
  ])('does not start a reader again that failed with %s, which only an operator can mend', (code) => {
    expect(policyOf(0).delayAfterDeathMs(code, false)).toBeNull();
  });

  it.each(['hub.unreachable', 'native.call_failed', 'reader.died', 'defect'])(
    'starts a reader again that failed with %s, which may pass by itself',
    (code) => {
      expect(policyOf(0).delayAfterDeathMs(code, false)).toBe(500);
    },
  );

  it('starts a reader again that had been live, whatever it died of', () => {
    expect(policyOf(0).delayAfterDeathMs('checkpoint.unreadable', true)).toBe(500);
  });

  it('gives up a reader whose hub was not reached for two minutes', () => {
    const policy = policyOf();
    for (const seconds of [0, 30, 60, 119]) {
      clock.nowMs = seconds * 1000;
      expect(policy.delayAfterDeathMs(UNREACHABLE, false)).not.toBeNull();
    }
    clock.nowMs = 120_000;
    expect(policy.delayAfterDeathMs(UNREACHABLE, false)).toBeNull();
  });

  it('counts the two minutes anew after a download that got further, and after another failure', () => {
    const policy = policyOf();
    const dieAt = (seconds: number, code = UNREACHABLE): number | null => {
      clock.nowMs = seconds * 1000;
      return policy.delayAfterDeathMs(code, false);
    };
    dieAt(0);
    policy.noteLoading('downloading a/b', 0.1);
    expect(dieAt(1000)).not.toBeNull();
    policy.noteLoading('downloading a/b', 0.2);
    expect(dieAt(1130)).not.toBeNull();
    expect(dieAt(1140, DIED)).not.toBeNull();
    expect(dieAt(1260)).not.toBeNull();
    // Where it stood before, and a stage that tells no progress, are none.
    policy.noteLoading('downloading a/b', 0.2);
    policy.noteLoading('loading', null);
    expect(dieAt(1380)).toBeNull();
  });
});
