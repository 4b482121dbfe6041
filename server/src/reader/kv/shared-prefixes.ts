// Owns the KV cache by keeping what was computed: rows of running and of ended sequences stand in a tree (prefix-tree.ts), each once,
// and a prompt takes over the longest stretch that is there instead of computing it. A sequence that ends leaves its rows under its
// slot, until their cells or the slot are needed: then what was used longest ago goes, ends of stretches first.
//
// Books (prefix-books.ts checks them): the cells in use are the rows of the tree. Those that running sequences hold are pinned. A
// running sequence also has a claim on some more, which it uses up as it runs (claim.ts). Rows in the tree and claims together are
// never more than there are cells, so a claim can always be met.
import { Defect } from '../../errors.js';
import { toSlot, type Slot } from '../ids.js';
import { claimFor, claimMore } from './claim.js';
import type { KvCounts, KvDemand, KvHandle, KvMemory, KvOwner } from './kv-owner.js';
import { checkPrefixBooks } from './prefix-books.js';
import {
  addLeaf,
  anyEnd,
  createRoot,
  descend,
  findRows,
  joinWithOnlyChild,
  shorten,
  upwards,
  type PrefixNode,
} from './prefix-tree.js';
import type { RowKey } from './row-key.js';

export interface SharedCacheSize {
  /** Cells shared by all sequences. */
  readonly cells: number;
  /** Sequences that run at the same time. */
  readonly maxSequences: number;
  /** Sequences whose rows can be told apart, ended ones included; at least maxSequences. */
  readonly slots: number;
}

/** What a running sequence was promised. */
interface Claim {
  readonly promptRows: readonly RowKey[];
  /** Cells that it has or may take now, those with its rows included. */
  claimedRows: number;
  /** Cells that it may ever claim. */
  readonly maxRows: number;
  /** When it was admitted, by the owner's clock. */
  readonly turn: number;
  /** Prompt rows that it took over. */
  sharedRows: number;
}

/** A slot with the rows that it holds: all from the root to its node. */
export interface Holder extends KvHandle {
  rows: number;
  node: PrefixNode<Holder>;
  /** Null when its sequence has ended. */
  claim: Claim | null;
}

export class SharedPrefixes implements KvOwner {
  readonly #size: SharedCacheSize;
  readonly #memory: KvMemory;
  readonly #root = createRoot<Holder>();
  readonly #freeSlots: Slot[];
  readonly #running = new Map<KvHandle, Holder>();
  /** Each ends at a leaf of its own: rows that somebody else holds too need no keeper. */
  readonly #ended = new Set<Holder>();
  readonly #totals = { hits: 0, misses: 0, sharedRows: 0, evictedRows: 0 };
  #treeRows = 0;
  #pinnedRows = 0;
  #claimedRows = 0;
  /** Counts admissions and ends. */
  #clock = 0;

  constructor(size: SharedCacheSize, memory: KvMemory) {
    this.#size = size;
    this.#memory = memory;
    this.#freeSlots = Array.from({ length: size.slots }, (_, index) => toSlot(index)).reverse();
  }

  get counts(): KvCounts {
    return {
      cells: this.#size.cells,
      heldCells: this.#pinnedRows + this.#claimedRows,
      cachedCells: this.#treeRows - this.#pinnedRows,
      ...this.#totals,
    };
  }

  canAdmit(demand: KvDemand): boolean {
    const { promptRows } = demand;
    const { rows, unpinnedRows } = findRows(this.#root, promptRows, promptRows.length - 1);
    const needed = claimFor(demand) - rows + unpinnedRows;
    return this.#running.size < this.#size.maxSequences && needed <= this.#freeCells;
  }

  admit(demand: KvDemand): KvHandle {
    const { promptRows, maxRows } = demand;
    const claimedRows = claimFor(demand);
    if (!this.canAdmit(demand))
      throw new Defect(`A sequence of ${claimedRows} cells was admitted to a cache without room for it.`);
    // Before a slot is taken, which may evict: not these rows, if others are there.
    this.#date(findRows(this.#root, promptRows, promptRows.length - 1).last);
    const claim = { promptRows, claimedRows, maxRows, turn: this.#clock, sharedRows: 0 };
    const holder: Holder = { slot: this.#takeSlot(), rows: 0, node: this.#root, claim };
    this.#root.ends.add(holder);
    this.#root.running += 1;
    this.#running.set(holder, holder);
    this.#claimedRows += claimedRows;
    this.share(holder);
    this.#makeRoom();
    return holder;
  }

  share(handle: KvHandle): void {
    const { holder, claim } = this.#runningOf(handle);
    const first = holder.rows;
    const end = claim.promptRows.length - 1;
    const taken = this.#follow(holder, claim.promptRows, first, end);
    claim.sharedRows += taken;
    this.#claimedRows -= taken;
  }

  isAwaitingRows(handle: KvHandle): boolean {
    const { holder, claim } = this.#runningOf(handle);
    const next = claim.promptRows[holder.rows];
    if (next === undefined || holder.rows >= claim.promptRows.length - 1) return false;
    for (const { claim: other } of holder.node.ends)
      if (other !== null && other.turn < claim.turn && other.promptRows[holder.rows] === next) return true;
    return false;
  }

  grow(handle: KvHandle): boolean {
    const { holder, claim } = this.#runningOf(handle);
    const { rows } = holder;
    const more = claimMore(rows, claim, this.#freeCells);
    claim.claimedRows += more;
    this.#claimedRows += more;
    this.#makeRoom();
    return rows < claim.claimedRows;
  }

  append(handle: KvHandle, rows: readonly RowKey[]): void {
    const { holder } = this.#runningOf(handle);
    this.#claimedRows -= rows.length;
    const known = this.#replaceByKnown(holder, rows);
    const added = known === 0 ? rows : rows.slice(known);
    if (added.length === 0) return;
    const { node } = holder;
    this.#treeRows += added.length;
    this.#pinnedRows += added.length;
    holder.rows += added.length;
    if (node !== this.#root && node.children.size === 0 && node.ends.size === 1) {
      for (const row of added) node.rows.push(row);
      return;
    }
    const leaf = addLeaf(node, added);
    leaf.running = 1;
    leaf.lastUse = node.lastUse;
    this.#setEnd(holder, leaf);
  }

  release(handle: KvHandle): void {
    const { holder, claim } = this.#runningOf(handle);
    this.#running.delete(handle);
    this.#claimedRows -= claim.claimedRows - holder.rows;
    this.#totals[claim.sharedRows > 0 ? 'hits' : 'misses'] += 1;
    this.#totals.sharedRows += claim.sharedRows;
    holder.claim = null;
    this.#ended.add(holder);
    for (const node of upwards(holder.node)) {
      node.running -= 1;
      if (node.running === 0) this.#pinnedRows -= node.rows.length;
    }
    this.#date(holder.node);
    this.#tidy(holder.node);
  }

  checkIntegrity(): void {
    checkPrefixBooks({
      size: this.#size,
      root: this.#root,
      freeSlots: this.#freeSlots,
      running: [...this.#running.values()],
      ended: [...this.#ended],
      treeRows: this.#treeRows,
      pinnedRows: this.#pinnedRows,
      claimedRows: this.#claimedRows,
    });
  }

  /** Cells without a row of a running sequence and without a claim; rows of ended ones may stand in them. */
  get #freeCells(): number {
    return this.#size.cells - this.#pinnedRows - this.#claimedRows;
  }

  /** Moves a running sequence down the tree along these rows, and takes their cells over. Returns how many there were. */
  #follow(holder: Holder, rows: readonly RowKey[], first: number, end: number): number {
    const start = holder.node;
    let last = start;
    let next = first;
    for (let child = descend(last, rows, next, end); child !== undefined;) {
      child.running += 1;
      if (child.running === 1) this.#pinnedRows += child.rows.length;
      next += child.rows.length;
      last = child;
      child = descend(last, rows, next, end);
    }
    if (last === start) return 0;
    const taken = next - first;
    this.#memory.share(anyEnd(last).slot, holder.slot, holder.rows, holder.rows + taken);
    holder.rows += taken;
    this.#setEnd(holder, last);
    return taken;
  }

  /**
   * Rows that were computed although the tree has them by now are forgotten again and those of the tree taken in their place, so
   * that each row is there once. Returns how many there were.
   */
  #replaceByKnown(holder: Holder, rows: readonly RowKey[]): number {
    const known = findRows(holder.node, rows, rows.length).rows;
    if (known === 0) return 0;
    this.#memory.forget(holder.slot, holder.rows, holder.rows + known);
    return this.#follow(holder, rows, 0, known);
  }

  #setEnd(holder: Holder, node: PrefixNode<Holder>): void {
    const before = holder.node;
    before.ends.delete(holder);
    node.ends.add(holder);
    holder.node = node;
    this.#tidy(before);
    this.#tidy(node);
  }

  /** Frees slots that nobody needs: of ended sequences whose rows others hold too, or that have none. Joins what is no longer split. */
  #tidy(node: PrefixNode<Holder>): void {
    for (const end of node.ends) {
      const isAlone = node !== this.#root && node.children.size === 0 && node.ends.size === 1;
      if (end.claim === null && !isAlone) this.#free(end);
    }
    joinWithOnlyChild(node);
  }

  #free(holder: Holder): void {
    holder.node.ends.delete(holder);
    this.#ended.delete(holder);
    this.#memory.forget(holder.slot, 0, holder.rows);
    this.#freeSlots.push(holder.slot);
  }

  #takeSlot(): Slot {
    const oldest = this.#freeSlots.length > 0 ? undefined : this.#oldest();
    while (oldest !== undefined && this.#ended.has(oldest)) this.#evict(oldest, oldest.node.rows.length);
    const slot = this.#freeSlots.pop();
    if (slot === undefined) throw new Defect(`All ${this.#size.slots} slots are held by running sequences.`);
    return slot;
  }

  /** Evicts until every claim can be met. */
  #makeRoom(): void {
    for (;;) {
      const missing = this.#treeRows + this.#claimedRows - this.#size.cells;
      if (missing <= 0) return;
      const oldest = this.#oldest();
      if (oldest === undefined)
        throw new Defect(`${missing} cells are missing, and running sequences hold all others.`);
      this.#evict(oldest, missing);
    }
  }

  /** The ended sequence whose last rows were used longest ago. */
  #oldest(): Holder | undefined {
    let oldest: Holder | undefined;
    for (const holder of this.#ended)
      if (oldest === undefined || holder.node.lastUse < oldest.node.lastUse) oldest = holder;
    return oldest;
  }

  /** Evicts up to `count` rows from the end of an ended sequence, as far as nobody else holds them. */
  #evict(holder: Holder, count: number): void {
    const { node } = holder;
    const evicted = Math.min(count, node.rows.length);
    this.#memory.forget(holder.slot, holder.rows - evicted, holder.rows);
    shorten(node, evicted);
    holder.rows -= evicted;
    this.#treeRows -= evicted;
    this.#totals.evictedRows += evicted;
    if (node.rows.length === 0 && node.parent !== undefined) this.#setEnd(holder, node.parent);
  }

  #date(node: PrefixNode<Holder>): void {
    this.#clock += 1;
    for (const at of upwards(node)) at.lastUse = this.#clock;
  }

  #runningOf(handle: KvHandle): { readonly holder: Holder; readonly claim: Claim } {
    const holder = this.#running.get(handle);
    if (holder?.claim == null) throw new Defect(`The sequence in slot ${handle.slot} has ended.`);
    return { holder, claim: holder.claim };
  }
}
