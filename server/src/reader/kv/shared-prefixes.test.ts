import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { CellMemory } from './cell-memory.fixture.js';
import type { KvHandle } from './kv-owner.js';
import type { RowKey } from './row-key.js';
import { SharedPrefixes } from './shared-prefixes.js';

interface Given {
  readonly cells?: number;
  readonly maxSequences?: number;
  readonly slots?: number;
}

/** Rows are letters, for reading. */
const rows = (text: string): RowKey[] => Array.from(text, (letter) => letter.charCodeAt(0));
const textOf = (keys: readonly RowKey[]): string => String.fromCharCode(...keys);

function create({ cells = 100, maxSequences = 4, slots = 8 }: Given = {}) {
  const memory = new CellMemory(cells);
  const kv = new SharedPrefixes({ cells, maxSequences, slots }, memory);
  const check = () => {
    kv.checkIntegrity();
    const { heldCells, cachedCells } = kv.counts;
    expect(memory.usedCells).toBeLessThanOrEqual(heldCells + cachedCells);
  };
  const demand = (prompt: string, more = 10) => ({ promptRows: rows(prompt), maxRows: prompt.length + more });
  const admit = (prompt: string, more?: number): KvHandle => {
    const handle = kv.admit(demand(prompt, more));
    check();
    return handle;
  };
  /** What a step does with rows of one sequence. */
  const compute = (handle: KvHandle, text: string) => {
    memory.compute(handle.slot, rows(text));
    kv.append(handle, rows(text));
    check();
  };
  const release = (handle: KvHandle) => {
    kv.release(handle);
    check();
  };
  /** A whole prompt with its answer, from admission to release. Returns the rows that were there. */
  const serve = (prompt: string, answer = ''): number => {
    const handle = admit(prompt);
    const shared = handle.rows;
    compute(handle, prompt.slice(shared) + answer);
    expect(textOf(memory.rowsOf(handle.slot))).toBe(prompt + answer);
    release(handle);
    return shared;
  };
  const held = (handle: KvHandle) => textOf(memory.rowsOf(handle.slot));
  return { kv, memory, demand, admit, compute, release, serve, held };
}

describe('SharedPrefixes, what a prompt finds', () => {
  it('is nothing in an empty cache', () => {
    expect(create().serve('abc')).toBe(0);
  });

  it('is the longest common prefix with an ended sequence, its answer included', () => {
    const { serve } = create();
    serve('image question', 'answer');
    expect(serve('image other')).toBe('image '.length);
    expect(serve('image questionanswer and more')).toBe('image questionanswer'.length);
  });

  it('is all rows but the last of the same prompt again, because the first token is sampled from that one', () => {
    const { serve } = create();
    serve('abcdef', 'xyz');
    expect(serve('abcdef', 'xyz')).toBe(5);
    expect(serve('abc')).toBe(2);
  });

  it('is what a running sequence has computed so far', () => {
    const { admit, compute, held, kv } = create();
    const first = admit('abcdef');
    compute(first, 'abcd');
    const second = admit('abcxyz');
    expect(held(second)).toBe('abc');
    compute(first, 'ef');
    compute(second, 'xyz');
    expect([held(first), held(second)]).toEqual(['abcdef', 'abcxyz']);
    expect(kv.counts).toMatchObject({ cachedCells: 0, heldCells: 6 + 3 + 10 + 10 });
  });

  it('is there after the sequences that computed it were cancelled at different points', () => {
    const { admit, compute, release, serve } = create();
    const first = admit('abcdef');
    const second = admit('abcdef');
    compute(first, 'abcd');
    release(first);
    release(second);
    expect(serve('abcdxy')).toBe(4);
  });

  it('is nothing of another first row, whatever follows', () => {
    const { serve } = create();
    serve('1abcdef');
    expect(serve('2abcdef')).toBe(0);
  });
});

describe('SharedPrefixes, sequences that start together', () => {
  it('lets the second wait for the rows of the first, and take them over when they are there', () => {
    const { kv, admit, compute, held } = create();
    const first = admit('abcdef');
    const second = admit('abcdxy');
    expect([kv.isAwaitingRows(first), kv.isAwaitingRows(second)]).toEqual([false, true]);
    compute(first, 'abc');
    kv.share(second);
    expect(held(second)).toBe('abc');
    expect(kv.isAwaitingRows(second)).toBe(true);
    compute(first, 'def');
    kv.share(second);
    expect(held(second)).toBe('abcd');
    expect(kv.isAwaitingRows(second)).toBe(false);
  });

  it('lets nobody wait for the last row of its own prompt', () => {
    const { kv, admit } = create();
    admit('a');
    expect(kv.isAwaitingRows(admit('a'))).toBe(false);
  });

  it('lets nobody wait for a sequence that was cancelled', () => {
    const { kv, admit, release } = create();
    const first = admit('abc');
    const second = admit('abd');
    release(first);
    expect(kv.isAwaitingRows(second)).toBe(false);
  });

  it('keeps a row once when two sequences computed it in one step', () => {
    const { memory, kv, admit, compute, held } = create();
    const first = admit('abc', 4);
    const second = admit('abc', 4);
    memory.compute(first.slot, rows('abc'));
    memory.compute(second.slot, rows('abc'));
    kv.append(first, rows('abc'));
    kv.append(second, rows('abc'));
    kv.checkIntegrity();
    expect(memory.usedCells).toBe(3);
    compute(first, 'xy');
    compute(second, 'xz');
    expect(memory.usedCells).toBe(6);
    expect([held(first), held(second)]).toEqual(['abcxy', 'abcxz']);
  });
});

describe('SharedPrefixes, making room', () => {
  it('evicts what was used longest ago, from its end and no more than needed', () => {
    const { serve, kv } = create({ cells: 40 });
    serve('aaaaaaaaaa');
    serve('bbbbbbbbbb');
    serve('aaaaaaaaaa');
    // 10 rows and 10 claimed cells beside 20 of the others
    serve('cccccccccc');
    expect(kv.counts).toMatchObject({ evictedRows: 0, cachedCells: 30 });
    serve('dddddddd');
    expect(kv.counts.evictedRows).toBe(8);
    expect(serve('bbbbbbbbbb')).toBe(2);
    expect(serve('aaaaaaaaaa')).toBeGreaterThan(0);
  });

  it('evicts what only one sequence used before what several share', () => {
    const { serve, kv } = create({ cells: 40 });
    serve('shared one');
    serve('shared two');
    serve('0123456789', 'abcdefghi');
    serve('x');
    expect(kv.counts.evictedRows).toBe('one'.length);
    expect(serve('shared six')).toBe('shared '.length);
  });

  it('evicts nothing that a running sequence holds', () => {
    const { kv, admit, compute, demand, held } = create({ cells: 30 });
    const first = admit('abcdefghij');
    compute(first, 'abcdefghij');
    expect(kv.canAdmit(demand('0123456789', 0))).toBe(true);
    expect(kv.canAdmit(demand('0123456789', 1))).toBe(false);
    admit('0123456789', 0);
    expect(held(first)).toBe('abcdefghij');
  });

  it('counts rows that a prompt would share as needed when only ended sequences hold them', () => {
    const { kv, serve, demand } = create({ cells: 30 });
    serve('abcdefghij');
    expect(kv.canAdmit(demand('abcdefghij', 20))).toBe(true);
    expect(kv.canAdmit(demand('abcdefghij', 21))).toBe(false);
  });

  it('counts rows that a prompt would share as there when running sequences hold them, but for the last one', () => {
    const { kv, admit, compute, demand } = create({ cells: 17 });
    for (const prompt of ['abcdefghij', 'abcdeXYZXY']) {
      const handle = admit(prompt, 0);
      compute(handle, prompt.slice(handle.rows));
    }
    // 15 rows stand in the two sequences. The prompt shares nine of them and needs a cell for its last row and one for its answer.
    expect(kv.canAdmit(demand('abcdefghij', 1))).toBe(true);
    expect(kv.canAdmit(demand('abcdefghij', 2))).toBe(false);
  });

  it('takes the slot that was used longest ago, and not the one whose rows the prompt shares', () => {
    const { serve } = create({ slots: 3, maxSequences: 1, cells: 1000 });
    for (const prompt of ['aaaaa1', 'bbbbb2', 'ccccc3']) serve(prompt);
    expect(serve('aaaaa4')).toBe(5);
    expect(serve('bbbbb5')).toBe(0);
  });

  it('keeps rows that a cancelled sequence shared longer than those that others used before', () => {
    const { admit, release, serve } = create({ cells: 30, maxSequences: 2 });
    serve('aaaaa1');
    const cancelled = admit('aaaaa2', 0);
    serve('bbbbb2');
    release(cancelled);
    serve('0123456789');
    expect(serve('aaaaa3')).toBe(5);
  });

  it('gives slots of ended sequences to new ones when no other is free', () => {
    const { serve, kv, admit } = create({ slots: 3, maxSequences: 3, cells: 1000 });
    for (const prompt of ['one', 'two', 'xyz', 'red']) serve(prompt);
    expect(kv.counts.cachedCells).toBe(9);
    for (const prompt of ['abc', 'def', 'ghi']) admit(prompt);
    expect(kv.counts.cachedCells).toBe(0);
    expect(kv.canAdmit({ promptRows: rows('jkl'), maxRows: 3 })).toBe(false);
  });

  it('needs no slot for rows that a later sequence went on from', () => {
    const { serve, kv } = create({ slots: 2, maxSequences: 1, cells: 1000 });
    serve('a');
    serve('ab');
    serve('abc');
    serve('xyz');
    expect(kv.counts).toMatchObject({ cachedCells: 6, evictedRows: 0 });
  });
});

describe('SharedPrefixes', () => {
  it('counts sequences that found rows, the rows they found, and those that found none', () => {
    const { serve, kv } = create();
    serve('abc');
    serve('abd');
    serve('xyz');
    expect(kv.counts).toMatchObject({ hits: 1, misses: 2, sharedRows: 2 });
  });

  it('refuses as defects an admission that canAdmit refuses, and a second release', () => {
    const { kv, admit, demand, release } = create({ cells: 20 });
    expect(() => kv.admit(demand('abc', 18))).toThrow(Defect);
    const handle = admit('abc');
    release(handle);
    expect(() => kv.release(handle)).toThrow(Defect);
    kv.checkIntegrity();
  });

  it('finds in its books that a sequence has more rows than it claimed', () => {
    const { kv, admit } = create();
    kv.append(admit('abc', 0), rows('abcd'));
    expect(() => kv.checkIntegrity()).toThrow('more rows than it claimed');
  });

  it('keeps its books, and every sequence its own rows, over 800 random events', () => {
    const { kv, memory, demand, admit, compute, release, held } = create({
      cells: 60,
      maxSequences: 4,
      slots: 6,
    });
    let state = 11;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const running: { handle: KvHandle; text: string; limit: number }[] = [];
    for (let event = 0; event < 800; event += 1) {
      const sequence = running[random(Math.max(1, running.length))];
      const what = random(10);
      if (what < 3) {
        const prompt = Array.from({ length: 1 + random(15) }, () => 'ab'[random(2)]).join('');
        const more = random(10);
        if (!kv.canAdmit(demand(prompt, more))) continue;
        running.push({ handle: admit(prompt, more), text: prompt, limit: prompt.length + more });
      } else if (sequence === undefined) {
        continue;
      } else if (what < 4) {
        running.splice(running.indexOf(sequence), 1);
        release(sequence.handle);
      } else {
        kv.share(sequence.handle);
        const { rows: done } = sequence.handle;
        if (done === sequence.text.length) sequence.text += 'ab'[random(2)] ?? '';
        if (sequence.text.length > sequence.limit) continue;
        if (kv.isAwaitingRows(sequence.handle) && random(2) === 0) continue;
        compute(sequence.handle, sequence.text.slice(done, done + 1 + random(8)));
      }
      for (const { handle, text } of running) expect(text.startsWith(held(handle))).toBe(true);
      for (const { handle } of running) expect(held(handle)).toHaveLength(handle.rows);
    }
    for (const { handle } of running) release(handle);
    expect(kv.counts.heldCells).toBe(0);
    expect(memory.usedCells).toBe(kv.counts.cachedCells);
  });
});
