import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { toSlot } from '../ids.js';
import { SlotSampling } from './slot-sampling.js';

const [ONE, TWO] = [toSlot(1), toSlot(2)];

function create() {
  const closed: string[] = [];
  return { closed, sampling: new SlotSampling<string>((which) => closed.push(which)) };
}

describe('SlotSampling', () => {
  it('goes on in another slot with what was suspended', () => {
    const { sampling, closed } = create();
    sampling.set(ONE, 'a');
    const suspended = sampling.suspend(ONE);
    sampling.set(ONE, 'b');
    sampling.resume(TWO, suspended);
    expect([sampling.get(ONE), sampling.get(TWO)]).toEqual(['b', 'a']);
    expect(closed).toEqual([]);
  });

  it('closes each once: at its end, when it is discarded, or with all others', () => {
    const { sampling, closed } = create();
    sampling.set(ONE, 'ended');
    sampling.end(ONE);
    sampling.set(ONE, 'discarded');
    const suspended = sampling.suspend(ONE);
    suspended.discard();
    suspended.discard();
    sampling.set(ONE, 'running');
    sampling.set(TWO, 'waiting');
    sampling.suspend(TWO);
    sampling.close();
    expect(closed).toEqual(['ended', 'discarded', 'running', 'waiting']);
  });

  it('refuses as defects a second one in a slot, one that is not there, and what was resumed before', () => {
    const { sampling } = create();
    sampling.set(ONE, 'a');
    expect(() => sampling.set(ONE, 'b')).toThrow(Defect);
    expect(() => sampling.get(TWO)).toThrow(Defect);
    const suspended = sampling.suspend(ONE);
    sampling.resume(ONE, suspended);
    expect(() => sampling.resume(TWO, suspended)).toThrow(Defect);
  });
});
