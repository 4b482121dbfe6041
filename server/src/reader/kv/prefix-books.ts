// Adds up the books of shared-prefixes.ts from the tree itself: who holds which row, what is pinned, that every slot is in one place.
// For tests and for hunting defects; it visits every node and costs too much for every step of a server.
import { Defect } from '../../errors.js';
import type { Slot } from '../ids.js';
import { downwards, firstRow, upwards, type PrefixNode } from './prefix-tree.js';
import type { Holder, SharedCacheSize } from './shared-prefixes.js';

export interface PrefixBooks {
  readonly size: SharedCacheSize;
  readonly root: PrefixNode<Holder>;
  readonly freeSlots: readonly Slot[];
  readonly running: readonly Holder[];
  readonly ended: readonly Holder[];
  readonly treeRows: number;
  readonly pinnedRows: number;
  readonly claimedRows: number;
}

/** @throws Defect naming what does not add up */
export function checkPrefixBooks(books: PrefixBooks): void {
  const { root, size, running, ended, freeSlots } = books;
  const nodes = [...downwards(root)];
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const rowsOf = (list: readonly PrefixNode<Holder>[]): number => sum(list.map(({ rows }) => rows.length));

  expectEqual('rows of the tree', books.treeRows, rowsOf(nodes));
  expectEqual('pinned rows', books.pinnedRows, rowsOf(nodes.filter((node) => node.running > 0)));
  const claims = running.map(({ claim, rows }) => (claim?.claimedRows ?? 0) - rows);
  expectEqual('claimed rows', books.claimedRows, sum(claims));
  if (Math.min(0, ...claims) < 0) throw new Defect('A sequence has more rows than it claimed.');
  if (books.treeRows + books.claimedRows > size.cells)
    throw new Defect(
      `${books.treeRows} rows and claims on ${books.claimedRows} are more than ${size.cells} cells.`,
    );

  const slots = [...freeSlots, ...[...running, ...ended].map(({ slot }) => slot)];
  if (slots.length !== size.slots || new Set(slots).size !== slots.length)
    throw new Defect(`Slots ${slots.join(', ')} are not each of ${size.slots} once.`);
  const held = new Map<PrefixNode<Holder>, number>();
  for (const { node } of running) for (const at of upwards(node)) held.set(at, (held.get(at) ?? 0) + 1);
  for (const node of nodes) {
    expectEqual('running holders of a node', node.running, held.get(node) ?? 0);
    checkNode(node, node === root);
  }
  for (const holder of [...running, ...ended]) checkHolder(holder);
  for (const { node, slot } of ended)
    if (node === root || node.children.size > 0 || node.ends.size !== 1)
      throw new Defect(`Slot ${slot} keeps rows that others hold too.`);
  expectEqual('ends in the tree', running.length + ended.length, sum(nodes.map(({ ends }) => ends.size)));
}

function checkNode(node: PrefixNode<Holder>, isRoot: boolean): void {
  for (const [key, child] of node.children)
    if (child.parent !== node || firstRow(child) !== key)
      throw new Defect('A node hangs in the wrong place.');
  if (isRoot) return;
  if (node.children.size === 0 && node.ends.size === 0) throw new Defect('A leaf is held by nobody.');
  if (node.children.size === 1 && node.ends.size === 0) throw new Defect('A node is split for nobody.');
}

function checkHolder(holder: Holder): void {
  const path = [...upwards(holder.node)];
  expectEqual(
    `rows of slot ${holder.slot}`,
    holder.rows,
    path.reduce((sum, { rows }) => sum + rows.length, 0),
  );
  if (!holder.node.ends.has(holder))
    throw new Defect(`Slot ${holder.slot} ends where the tree does not know of it.`);
}

function expectEqual(what: string, booked: number, counted: number): void {
  if (booked !== counted) throw new Defect(`The books say ${booked} ${what}, and there are ${counted}.`);
}
