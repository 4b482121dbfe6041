// The state of a pickle while it is read, and what its opcodes do to it. Only data comes into being: imports outside the short list
// of pickle-value.ts are refused by name, and calls are recorded, never made.
import { malformed, unsupported } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';
import {
  allowedSymbol,
  dictOf,
  isRebuildFunction,
  kindOf,
  tupleOf,
  type PickleKey,
  type PickleSymbol,
  type PickleTuple,
  type PickleValue,
} from './pickle-value.js';

const MAX_SYMBOL_BYTES = 256;

/** Owns the stack, the marks and the memo of one pickle. */
export class PickleMachine {
  #stack: PickleValue[] = [];
  /** Stacks below open MARKs. */
  readonly #outer: PickleValue[][] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #cursor: ByteCursor;

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw malformed(this.#cursor.file, 'The pickle takes from an empty stack.');
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw malformed(this.#cursor.file, 'The pickle looks at an empty stack.');
    return value;
  }

  mark(): void {
    this.#outer.push(this.#stack);
    this.#stack = [];
  }

  /** Everything since the last MARK. */
  popMark(): PickleValue[] {
    const below = this.#outer.pop();
    if (below === undefined) throw malformed(this.#cursor.file, 'The pickle closes a mark that is not open.');
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  remember(slot: number): void {
    this.#memo.set(slot, this.top());
  }

  recall(slot: number): void {
    const value = this.#memo.get(slot);
    if (value === undefined)
      throw malformed(this.#cursor.file, `The pickle recalls memo ${slot}, which is not set.`);
    this.push(value);
  }

  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.push({ kind: 'tuple', items });
  }

  import(): void {
    const module = this.#cursor.line(MAX_SYMBOL_BYTES, 'A module name');
    const attribute = this.#cursor.line(MAX_SYMBOL_BYTES, 'A symbol name');
    const name = allowedSymbol(module, attribute);
    if (name === undefined) {
      throw unsupported(
        this.#cursor.file,
        `The pickle asks for ${module}.${attribute}. This is no file of tensors (or a hostile one); nothing was executed.`,
      );
    }
    this.push({ kind: 'symbol', name });
  }

  /** Records a call. OrderedDict() and torch.Size(tuple) are data themselves. */
  reduce(): void {
    const args = this.#popTuple('REDUCE');
    const callee = this.pop();
    const name = symbolOf(callee)?.name;
    if (name === 'collections OrderedDict' && args.items.length === 0)
      this.push({ kind: 'dict', entries: new Map() });
    else if (name === 'torch Size') this.push(tupleOf(args.items[0]) ?? this.#failCall(name));
    else if (name !== undefined && isRebuildFunction(name))
      this.push({ kind: 'call', name, args: args.items });
    else this.#failCall(name ?? `a ${kindOf(callee)}`);
  }

  /** State of an OrderedDict (`_metadata`): read and dropped. */
  build(): void {
    this.pop();
    if (dictOf(this.top()) === undefined)
      throw unsupported(this.#cursor.file, `The pickle sets attributes of a ${kindOf(this.top())}.`);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = dictOf(this.top());
    if (dict === undefined || items.length % 2 !== 0)
      throw malformed(this.#cursor.file, 'The pickle puts items into something that is no dictionary.');
    for (let index = 0; index < items.length; index += 2) {
      const key = keyOf(items[index]);
      const value = items[index + 1];
      if (key === undefined || value === undefined)
        throw unsupported(this.#cursor.file, `The pickle uses a ${kindOf(items[index])} as a key.`);
      dict.entries.set(key, value);
    }
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list === null || typeof list !== 'object' || list.kind !== 'list')
      throw malformed(this.#cursor.file, 'The pickle appends to something that is no list.');
    for (const item of items) list.items.push(item);
  }

  storage(): void {
    this.push({ kind: 'storage', id: this.#popTuple('BINPERSID') });
  }

  #popTuple(opcode: string): PickleTuple {
    const value = tupleOf(this.pop());
    if (value === undefined)
      throw malformed(this.#cursor.file, `The pickle gives ${opcode} something else than a tuple.`);
    return value;
  }

  #failCall(what: string): never {
    throw unsupported(
      this.#cursor.file,
      `The pickle calls ${what}. Only tensors are rebuilt; nothing was executed.`,
    );
  }
}

function symbolOf(value: PickleValue): PickleSymbol | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'symbol' ? value : undefined;
}

function keyOf(value: PickleValue | undefined): PickleKey | undefined {
  return value === undefined || (value !== null && typeof value === 'object') ? undefined : value;
}
