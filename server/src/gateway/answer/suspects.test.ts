import { describe, expect, it } from 'vitest';
import { MAX_SUSPECTS, SUSPICION_MS, Suspects, type Verdict } from './suspects.js';

function suspects() {
  const clock = { nowMs: 0 };
  const known = new Suspects(() => clock.nowMs);
  const die = (...hashes: string[]): void => known.noteDeath(new Set(hashes));
  const verdicts = (...hashes: string[]): Verdict[] => hashes.map((hash) => known.verdictOn(hash));
  return { known, clock, die, verdicts };
}

describe('Suspects', () => {
  it('suspects all that were there at a death, and nobody else', () => {
    const { known, die, verdicts } = suspects();
    expect(known.isEmpty).toBe(true);
    die('a', 'b');
    expect(verdicts('a', 'b', 'c')).toEqual(['suspect', 'suspect', 'clear']);
    expect(known.isEmpty).toBe(false);
  });

  it('convicts the one suspect of a second death, whatever fresh requests were there', () => {
    const { die, verdicts } = suspects();
    die('a', 'b');
    die('a', 'fresh');
    expect(verdicts('a', 'b', 'fresh')).toEqual(['guilty', 'suspect', 'suspect']);
  });

  it('convicts nobody while there are several, and then the one that is alone', () => {
    const { die, verdicts } = suspects();
    die('a', 'b', 'c');
    die('a', 'b');
    expect(verdicts('a', 'b', 'c')).toEqual(['ambiguous', 'ambiguous', 'suspect']);
    die('b', 'c');
    expect(verdicts('a', 'b', 'c')).toEqual(['ambiguous', 'ambiguous', 'ambiguous']);
    die('b');
    expect(verdicts('a', 'b', 'c')).toEqual(['ambiguous', 'guilty', 'ambiguous']);
  });

  it('blames no other when one was there that is convicted already', () => {
    const { die, verdicts } = suspects();
    die('a', 'b');
    die('a');
    die('a', 'b', 'fresh');
    expect(verdicts('a', 'b', 'fresh')).toEqual(['guilty', 'suspect', 'suspect']);
  });

  it('begins anew with a content that was cleared', () => {
    const { known, die, verdicts } = suspects();
    die('a');
    known.clear('a');
    expect(known.isEmpty).toBe(true);
    die('a');
    expect(verdicts('a')).toEqual(['suspect']);
  });

  it('forgets a content some minutes after its last death', () => {
    const { known, clock, die, verdicts } = suspects();
    die('a', 'b');
    clock.nowMs = SUSPICION_MS - 1;
    die('a');
    expect(verdicts('a', 'b')).toEqual(['guilty', 'suspect']);
    clock.nowMs = SUSPICION_MS;
    expect(verdicts('a', 'b')).toEqual(['guilty', 'clear']);
    clock.nowMs = 2 * SUSPICION_MS - 1;
    expect(known.isEmpty).toBe(true);
    expect(verdicts('a')).toEqual(['clear']);
  });

  it('holds a bounded number, of the latest deaths', () => {
    const { die, verdicts } = suspects();
    die('first');
    die('second');
    die(...Array.from({ length: MAX_SUSPECTS - 2 }, (_, index) => `h${index}`));
    expect(verdicts('first', 'second')).toEqual(['suspect', 'suspect']);
    die('first');
    die('one more');
    expect(verdicts('first', 'second', 'h0', 'one more')).toEqual(['guilty', 'clear', 'suspect', 'suspect']);
  });
});
