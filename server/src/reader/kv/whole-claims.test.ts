import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import type { Slot } from '../ids.js';
import type { KvHandle } from './kv-owner.js';
import { WholeClaims } from './whole-claims.js';

function create(cells = 100, maxSequences = 2) {
  const forgotten: Slot[] = [];
  const kv = new WholeClaims(
    { cells, maxSequences },
    { forget: (slot) => forgotten.push(slot), share: () => undefined },
  );
  return { kv, forgotten };
}
const demand = (maxRows: number) => ({ promptRows: [1], maxRows });

describe('WholeClaims', () => {
  it('admits while a slot and all cells that the sequence may need are free', () => {
    const { kv } = create(100, 2);
    expect(kv.canAdmit(demand(100))).toBe(true);
    expect(kv.canAdmit(demand(101))).toBe(false);
    kv.admit(demand(60));
    expect(kv.canAdmit(demand(41))).toBe(false);
    expect(kv.canAdmit(demand(40))).toBe(true);
    kv.admit(demand(1));
    expect(kv.canAdmit(demand(1))).toBe(false);
  });

  it('claims cells whole, and frees them when the sequence is released', () => {
    const { kv, forgotten } = create();
    const handle = kv.admit(demand(60));
    expect(kv.counts.heldCells).toBe(60);
    kv.release(handle);
    expect(kv.counts.heldCells).toBe(0);
    expect(forgotten).toEqual([handle.slot]);
  });

  it('refuses an admission that canAdmit refuses, and a second release, as defects', () => {
    const { kv, forgotten } = create();
    expect(() => kv.admit(demand(101))).toThrow(Defect);
    const handle = kv.admit(demand(10));
    kv.release(handle);
    expect(() => kv.release(handle)).toThrow(Defect);
    expect(forgotten).toHaveLength(1);
    kv.checkIntegrity();
  });

  it('keeps its books over 500 random admissions and releases, and gives no slot twice', () => {
    const { kv } = create(1000, 7);
    const held: KvHandle[] = [];
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let step = 0; step < 500; step += 1) {
      const wanted = demand(1 + random(400));
      if (random(3) > 0 && kv.canAdmit(wanted)) held.push(kv.admit(wanted));
      else if (held.length > 0) kv.release(held.splice(random(held.length), 1)[0]!);
      kv.checkIntegrity();
      expect(new Set(held.map(({ slot }) => slot)).size).toBe(held.length);
    }
  });
});
