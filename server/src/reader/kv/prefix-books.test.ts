import { describe, expect, it } from 'vitest';
import { toSlot } from '../ids.js';
import { checkPrefixBooks, type PrefixBooks } from './prefix-books.js';
import { addLeaf, createRoot } from './prefix-tree.js';
import type { Holder } from './shared-prefixes.js';

/** A running sequence of rows 1, 2, 3 with a claim on two more, an ended one of rows 1, 2, 4, 5, and a free slot. */
function create() {
  const root = createRoot<Holder>();
  const common = addLeaf(root, [1, 2]);
  const running: Holder = {
    slot: toSlot(0),
    rows: 3,
    node: addLeaf(common, [3]),
    claim: { promptRows: [1, 2, 3], claimedRows: 5, maxRows: 9, turn: 1, sharedRows: 0 },
  };
  const ended: Holder = { slot: toSlot(1), rows: 4, node: addLeaf(common, [4, 5]), claim: null };
  for (const holder of [running, ended]) holder.node.ends.add(holder);
  for (const node of [root, common, running.node]) node.running = 1;
  const books: PrefixBooks = {
    size: { cells: 7, maxSequences: 1, slots: 3 },
    root,
    freeSlots: [toSlot(2)],
    running: [running],
    ended: [ended],
    treeRows: 5,
    pinnedRows: 3,
    claimedRows: 2,
  };
  return { books, root, common, running, ended };
}
type Books = ReturnType<typeof create>;

describe('checkPrefixBooks', () => {
  it('accepts books that add up to the last cell', () => {
    expect(() => checkPrefixBooks(create().books)).not.toThrow();
  });

  it.each<[string, (books: PrefixBooks) => Partial<PrefixBooks>, string]>([
    ['a row too many', () => ({ treeRows: 6 }), 'The books say 6 rows of the tree, and there are 5.'],
    ['a pinned row too few', () => ({ pinnedRows: 2 }), 'The books say 2 pinned rows, and there are 3.'],
    ['a claim too many', () => ({ claimedRows: 3 }), 'The books say 3 claimed rows, and there are 2.'],
    [
      'more rows and claims than cells',
      ({ size }) => ({ size: { ...size, cells: 6 } }),
      '5 rows and claims on 2 are more than 6 cells.',
    ],
    ['a slot that nobody has', () => ({ freeSlots: [] }), 'Slots 0, 1 are not each of 3 once.'],
    [
      'a slot too many',
      () => ({ freeSlots: [2, 3].map(toSlot) }),
      'Slots 2, 3, 0, 1 are not each of 3 once.',
    ],
    ['a slot given twice', () => ({ freeSlots: [toSlot(1)] }), 'Slots 1, 0, 1 are not each of 3 once.'],
  ])('finds %s', (_fault, change, sentence) => {
    const { books } = create();
    expect(() => checkPrefixBooks({ ...books, ...change(books) })).toThrow(sentence);
  });

  it.each<[string, (given: Books) => void, string]>([
    ['a node that too many hold', ({ common }) => (common.running = 2), 'running holders of a node'],
    [
      'a node with the parent of another',
      ({ ended, root }) => (ended.node.parent = root),
      'hangs in the wrong place',
    ],
    [
      'a node under the row of another',
      ({ common, ended }) => common.children.set(9, ended.node).delete(4),
      'hangs in the wrong place',
    ],
    ['a holder that says to have fewer rows', ({ ended }) => (ended.rows = 3), 'rows of slot 1'],
    [
      'a holder that the tree does not know of',
      ({ common, ended }) => {
        common.ends.add(ended);
        ended.node.ends.delete(ended);
        ended.node.ends.add({ ...ended });
      },
      'Slot 1 ends where the tree does not know of it.',
    ],
    ['an end of nobody', ({ ended }) => ended.node.ends.add({ ...ended }), 'Slot 1 keeps rows'],
    [
      'an end of nobody above',
      ({ common, ended }) => common.ends.add({ ...ended }),
      'The books say 2 ends in the tree, and there are 3.',
    ],
  ])('finds %s', (_fault, change, sentence) => {
    const given = create();
    change(given);
    expect(() => checkPrefixBooks(given.books)).toThrow(sentence);
  });

  it('finds a sequence with more rows than it claimed, which another one claims the less', () => {
    const { books, root, running } = create();
    const eager: Holder = {
      slot: toSlot(2),
      rows: 0,
      node: root,
      claim: running.claim && { ...running.claim },
    };
    root.ends.add(eager);
    root.running = 2;
    if (running.claim !== null) running.claim.claimedRows = 2;
    const both = {
      running: [running, eager],
      freeSlots: [],
      claimedRows: 4,
      size: { ...books.size, cells: 99 },
    };
    expect(() => checkPrefixBooks({ ...books, ...both })).toThrow('more rows than it claimed');
  });

  it('finds a leaf that nobody holds', () => {
    const { books, root } = create();
    addLeaf(root, [7]);
    expect(() =>
      checkPrefixBooks({ ...books, treeRows: 6, claimedRows: 2, size: { ...books.size, cells: 9 } }),
    ).toThrow('A leaf is held by nobody.');
  });

  it('finds a node that is split for nobody', () => {
    const { books, common, ended } = create();
    common.children.delete(4);
    expect(() =>
      checkPrefixBooks({ ...books, ended: [], freeSlots: [ended.slot, toSlot(2)], treeRows: 3 }),
    ).toThrow('A node is split for nobody.');
  });

  it.each<[string, number, (given: Books) => Holder['node']]>([
    ['at the root', 0, ({ root }) => root],
    ['at a node with children', 2, ({ common }) => common],
    ['where a running one ends', 3, ({ running }) => running.node],
  ])('finds an ended sequence that keeps rows %s', (_where, rows, nodeOf) => {
    const given = create();
    const { books, common, ended, running } = given;
    common.children.delete(4);
    // Or the node would be split for nobody.
    common.ends.add(running);
    const moved: Holder = { slot: ended.slot, rows, node: nodeOf(given), claim: null };
    moved.node.ends.add(moved);
    expect(() => checkPrefixBooks({ ...books, ended: [moved], treeRows: 3 })).toThrow('Slot 1 keeps rows');
  });
});
