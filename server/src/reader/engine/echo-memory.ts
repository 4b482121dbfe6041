// The KV memory of the echo engine: what stands in each row of each slot. Like the real one it lets slots share cells, runs out of
// them, and takes rows in order of position only.
import { Defect } from '../../errors.js';
import type { Slot, TokenId } from '../ids.js';
import type { KvMemory } from '../kv/kv-owner.js';
import type { StepRow } from './engine.js';

interface Cell {
  /** Null for a row of an image. */
  readonly token: TokenId | null;
  readonly adapter: string | null;
  holders: number;
}

export class EchoMemory implements KvMemory {
  readonly #cellCount: number;
  /** By position; undefined where the slot has forgotten one. */
  readonly #cells = new Map<Slot, (Cell | undefined)[]>();
  #usedCells = 0;

  constructor(cellCount: number) {
    this.#cellCount = cellCount;
  }

  /** Cells that hold a row now. */
  get usedCells(): number {
    return this.#usedCells;
  }

  /** The tokens that a slot holds, in order, without rows of images. @throws Defect when a row went through another adapter */
  tokensOf(slot: Slot, adapter: string | null): TokenId[] {
    return this.#rowsOf(slot).flatMap((cell) => {
      if (cell !== undefined && cell.adapter !== adapter)
        throw new Defect(`Slot ${slot} holds a row of adapter ${cell.adapter} and is read for ${adapter}.`);
      return cell?.token == null ? [] : [cell.token];
    });
  }

  take({ slot, position, source }: StepRow, adapter: string | null): void {
    const rows = this.#rowsOf(slot);
    if (position !== rows.length)
      throw new Defect(`Slot ${slot} holds ${rows.length} rows and gets position ${position}.`);
    if (this.#usedCells >= this.#cellCount) throw new Defect(`All ${this.#cellCount} KV cells are taken.`);
    rows.push({ token: source.kind === 'token' ? source.token : null, adapter, holders: 1 });
    this.#usedCells += 1;
  }

  share(from: Slot, to: Slot, first: number, end: number): void {
    const source = this.#rowsOf(from);
    const target = this.#rowsOf(to);
    for (let position = first; position < end; position += 1) {
      const cell = source[position];
      if (cell === undefined || target[position] !== undefined || target.length < position)
        throw new Defect(`Position ${position} of slot ${from} cannot be shared with slot ${to}.`);
      cell.holders += 1;
      target[position] = cell;
    }
  }

  forget(slot: Slot, first: number, end: number): void {
    const rows = this.#rowsOf(slot);
    for (let position = first; position < Math.min(end, rows.length); position += 1) {
      const cell = rows[position];
      if (cell === undefined) continue;
      cell.holders -= 1;
      if (cell.holders === 0) this.#usedCells -= 1;
      rows[position] = undefined;
    }
    while (rows.length > 0 && rows.at(-1) === undefined) rows.pop();
  }

  clear(): void {
    this.#cells.clear();
    this.#usedCells = 0;
  }

  #rowsOf(slot: Slot): (Cell | undefined)[] {
    const rows = this.#cells.get(slot) ?? [];
    this.#cells.set(slot, rows);
    return rows;
  }
}
