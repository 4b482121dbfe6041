import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { CellMemory } from './cell-memory.fixture.js';
import { CLAIM_STEP } from './claim.js';
import type { KvHandle } from './kv-owner.js';
import { UnsharedRows } from './unshared-rows.js';

function create(cells = 100, maxSequences = 2) {
  const memory = new CellMemory(cells);
  const kv = new UnsharedRows({ cells, maxSequences }, memory);
  const compute = (handle: KvHandle, count: number) => {
    const rows = Array.from({ length: count }, () => 7);
    memory.compute(handle.slot, rows);
    kv.append(handle, rows);
    kv.checkIntegrity();
  };
  return { kv, memory, compute };
}
const demand = (promptRows: number, maxRows: number) => ({
  promptRows: Array.from({ length: promptRows }, () => 7),
  maxRows,
});

describe('UnsharedRows', () => {
  it('admits while a slot and cells for the prompt and the beginning of its answer are free', () => {
    const { kv } = create(100, 2);
    expect(kv.canAdmit(demand(100 - CLAIM_STEP, 1000))).toBe(true);
    expect(kv.canAdmit(demand(101 - CLAIM_STEP, 1000))).toBe(false);
    expect(kv.canAdmit(demand(100, 100))).toBe(true);
    kv.admit(demand(50, 50));
    expect(kv.canAdmit(demand(51, 51))).toBe(false);
    kv.admit(demand(1, 1));
    expect(kv.canAdmit(demand(1, 1))).toBe(false);
  });

  it('claims more cells for an answer each time it has used up its claim, never more than it may need', () => {
    const { kv, compute } = create(100);
    const handle = kv.admit(demand(10, 10 + CLAIM_STEP + 5));
    compute(handle, 10 + CLAIM_STEP);
    expect(kv.counts.heldCells).toBe(10 + CLAIM_STEP);
    expect(kv.grow(handle)).toBe(true);
    expect(kv.counts.heldCells).toBe(10 + CLAIM_STEP + 5);
    expect(kv.grow(handle)).toBe(true);
    expect(kv.counts.heldCells).toBe(10 + CLAIM_STEP + 5);
  });

  it('claims no more cells while one of its claim is left', () => {
    const { kv, compute } = create(100);
    const handle = kv.admit(demand(10, 1000));
    compute(handle, 10 + CLAIM_STEP - 1);
    expect(kv.grow(handle)).toBe(true);
    expect(kv.counts.heldCells).toBe(10 + CLAIM_STEP);
  });

  it('has no cell for the next row when running sequences hold all, and has one when one of them is released', () => {
    const { kv, compute } = create(100);
    const handle = kv.admit(demand(20, 1000));
    const other = kv.admit(demand(48, 48));
    compute(handle, 20 + CLAIM_STEP);
    expect(kv.grow(handle)).toBe(false);
    kv.release(other);
    expect(kv.grow(handle)).toBe(true);
    kv.checkIntegrity();
  });

  it('forgets the cells of a sequence that is released', () => {
    const { kv, memory, compute } = create();
    const handle = kv.admit(demand(60, 60));
    compute(handle, 60);
    kv.release(handle);
    expect([kv.counts.heldCells, memory.usedCells]).toEqual([0, 0]);
    expect(kv.counts.misses).toBe(1);
  });

  it('finds in its books that a sequence has more rows than it claimed', () => {
    const { kv } = create();
    kv.append(kv.admit(demand(3, 3)), [7, 7, 7, 7]);
    expect(() => kv.checkIntegrity()).toThrow('Slot 0 holds 4 rows and claims 3.');
  });

  it('refuses an admission that canAdmit refuses, and a second release, as defects', () => {
    const { kv } = create();
    expect(() => kv.admit(demand(101, 101))).toThrow(Defect);
    const handle = kv.admit(demand(10, 10));
    kv.release(handle);
    expect(() => kv.release(handle)).toThrow(Defect);
    kv.checkIntegrity();
  });
});
