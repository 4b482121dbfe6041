import { describe, expect, it } from 'vitest';
import { RestartPolicy } from './restart-policy.js';

const DIED = 'reader.died';

describe('RestartPolicy', () => {
  it('starts a reader at once that has answered since its start, however often it dies', () => {
    const policy = new RestartPolicy(() => 0);
    for (let life = 1; life <= 100; life += 1) {
      policy.noteAnswer();
      expect(policy.delayAfterDeathMs(DIED, true)).toBe(0);
    }
  });

  it('doubles the delay with each death that follows another without an answer, up to 30 s', () => {
    const policy = new RestartPolicy(() => 0);
    const delays = Array.from({ length: 9 }, () => policy.delayAfterDeathMs(DIED, true));
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    for (let death = 10; death <= 2000; death += 1)
      expect(policy.delayAfterDeathMs(DIED, false)).toBe(30_000);
  });

  it('begins with the shortest delay again after an answer', () => {
    const policy = new RestartPolicy(() => 0);
    for (let death = 1; death <= 5; death += 1) policy.delayAfterDeathMs(DIED, true);
    policy.noteAnswer();
    const delays = Array.from({ length: 3 }, () => policy.delayAfterDeathMs(DIED, true));
    expect(delays).toEqual([0, 500, 1000]);
  });

  it('cuts delays by up to a half at random', () => {
    expect(new RestartPolicy(() => 1).delayAfterDeathMs(DIED, true)).toBe(250);
    expect(new RestartPolicy(() => 0.5).delayAfterDeathMs(DIED, true)).toBe(375);
  });

  it.each([
    'checkpoint.malformed',
    'config.invalid',
    'native.library_missing',
    'hub.denied',
    'hub.not_found',
    'hub.corrupt',
    'hub.offline',
  ])('does not start a reader again that failed with %s, which only an operator can mend', (code) => {
    expect(new RestartPolicy(() => 0).delayAfterDeathMs(code, false)).toBeNull();
  });

  it.each(['hub.unreachable', 'native.call_failed', 'reader.died', 'defect'])(
    'starts a reader again that failed with %s, which may pass by itself',
    (code) => {
      expect(new RestartPolicy(() => 0).delayAfterDeathMs(code, false)).toBe(500);
    },
  );

  it('starts a reader again that had been live, whatever it died of', () => {
    expect(new RestartPolicy(() => 0).delayAfterDeathMs('checkpoint.unreadable', true)).toBe(500);
  });
});
