// A radix tree over rows: each way from the root is a stretch of rows that some sequence holds, and what several hold alike is there
// once. Keeps the shape only: edges split where sequences part and join again when a side is gone. Who may be evicted, and what
// the engine is told, is for shared-prefixes.ts.
import { Defect } from '../../errors.js';
import type { RowKey } from './row-key.js';

/** Rows that follow those of its parent. Of no rows at the root only. */
export interface PrefixNode<End> {
  rows: RowKey[];
  parent: PrefixNode<End> | undefined;
  /** By the first of their rows. */
  readonly children: Map<RowKey, PrefixNode<End>>;
  /** Whose rows end with the last row of this node. */
  readonly ends: Set<End>;
  /** Running sequences that hold these rows. */
  running: number;
  /** When somebody last began or ended with these rows, by the owner's clock. */
  lastUse: number;
}

export const createRoot = <End>(): PrefixNode<End> => createNode<End>([], undefined);

const createNode = <End>(rows: RowKey[], parent: PrefixNode<End> | undefined): PrefixNode<End> => ({
  rows,
  parent,
  children: new Map(),
  ends: new Set(),
  running: 0,
  lastUse: 0,
});

/** How many of the node's rows stand in `rows` from `first` on, none from `end` on. */
function commonRows(
  { rows: own }: PrefixNode<unknown>,
  rows: readonly RowKey[],
  first: number,
  end: number,
): number {
  const limit = Math.min(own.length, end - first);
  let common = 0;
  while (common < limit && own[common] === rows[first + common]) common += 1;
  return common;
}

/**
 * The child of `node` that goes on with `rows[first]` and, after a split where that is needed, has only rows that stand in `rows` before
 * `end`. Undefined when no row does.
 */
export function descend<End>(
  node: PrefixNode<End>,
  rows: readonly RowKey[],
  first: number,
  end: number,
): PrefixNode<End> | undefined {
  const key = rows[first];
  const child = key === undefined || first >= end ? undefined : node.children.get(key);
  if (child === undefined) return undefined;
  const common = commonRows(child, rows, first, end);
  return common === child.rows.length ? child : splitAfter(child, common);
}

/** How many of `rows` before `end` are found on the way down from `node`, how many of those no running sequence holds, and where the last is. */
export function findRows<End>(
  node: PrefixNode<End>,
  rows: readonly RowKey[],
  end: number,
): { readonly rows: number; readonly unpinnedRows: number; readonly last: PrefixNode<End> } {
  let last = node;
  let found = 0;
  let unpinnedRows = 0;
  for (;;) {
    const key = rows[found];
    const child = key === undefined || found >= end ? undefined : last.children.get(key);
    if (child === undefined) return { rows: found, unpinnedRows, last };
    const common = commonRows(child, rows, found, end);
    found += common;
    if (child.running === 0) unpinnedRows += common;
    last = child;
    if (common < child.rows.length) return { rows: found, unpinnedRows, last };
  }
}

/** Puts the first `count` rows of a node into a new one above it; the node keeps its identity, its children and its ends. */
function splitAfter<End>(node: PrefixNode<End>, count: number): PrefixNode<End> {
  const { parent } = node;
  if (parent === undefined) throw new Defect('The root of the prefix tree cannot be split.');
  const upper = createNode(node.rows.slice(0, count), parent);
  upper.running = node.running;
  upper.lastUse = node.lastUse;
  node.rows = node.rows.slice(count);
  node.parent = upper;
  parent.children.set(firstRow(upper), upper);
  upper.children.set(firstRow(node), node);
  return upper;
}

/** A new leaf with these rows below a node that has no child for them. */
export function addLeaf<End>(parent: PrefixNode<End>, rows: readonly RowKey[]): PrefixNode<End> {
  const leaf = createNode([...rows], parent);
  if (parent.children.has(firstRow(leaf))) throw new Defect('A row was added twice below one node.');
  parent.children.set(firstRow(leaf), leaf);
  return leaf;
}

/** Takes the last `count` rows off a leaf. One that has none left is taken out of the tree; its parent may be a leaf then. */
export function shorten<End>(leaf: PrefixNode<End>, count: number): void {
  const { parent } = leaf;
  if (parent === undefined || leaf.children.size > 0 || count > leaf.rows.length)
    throw new Defect(`${count} rows cannot be taken off a node of ${leaf.rows.length}.`);
  const key = firstRow(leaf);
  leaf.rows.length -= count;
  if (leaf.rows.length === 0) parent.children.delete(key);
}

/** Joins a node with its only child where nobody ends between them. The child keeps its identity. */
export function joinWithOnlyChild<End>(node: PrefixNode<End>): void {
  const [child] = node.children.values();
  const { parent } = node;
  if (parent === undefined || child === undefined || node.children.size > 1 || node.ends.size > 0) return;
  child.rows = node.rows.concat(child.rows);
  child.lastUse = Math.max(node.lastUse, child.lastUse);
  child.parent = parent;
  parent.children.set(firstRow(child), child);
}

/** Whoever holds all rows down to this node. Every leaf is the end of somebody. */
export function anyEnd<End>(node: PrefixNode<End>): End {
  let below: PrefixNode<End> | undefined = node;
  while (below !== undefined) {
    for (const end of below.ends) return end;
    [below] = below.children.values();
  }
  throw new Defect('Rows of the prefix tree are held by nobody.');
}

export function firstRow({ rows: [first] }: PrefixNode<unknown>): RowKey {
  if (first === undefined) throw new Defect('A node of the prefix tree has no rows.');
  return first;
}

/** The node and all above it, the root last. */
export function* upwards<End>(node: PrefixNode<End>): Generator<PrefixNode<End>> {
  for (let at: PrefixNode<End> | undefined = node; at !== undefined; at = at.parent) yield at;
}

/** The node and all below it. */
export function* downwards<End>(node: PrefixNode<End>): Generator<PrefixNode<End>> {
  yield node;
  for (const child of node.children.values()) yield* downwards(child);
}
