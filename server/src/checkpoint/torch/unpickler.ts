// A pickle machine that builds data and does nothing else. It knows the opcodes that occur in state dicts and no others; imports
// outside the short list of pickle-value.ts are refused by name; calls are recorded, never made. Opcodes: CPython 3.11,
// Lib/pickletools.py; the set is that of torch/_weights_only_unpickler.py without object construction.
import { malformed, unsupported } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';
import {
  allowedSymbol,
  isRebuildFunction,
  kindOf,
  type PickleDict,
  type PickleKey,
  type PickleSymbol,
  type PickleTuple,
  type PickleValue,
} from './pickle-value.js';

/** A state dict of 1,000 tensors takes 40,000 steps; the largest shards have some thousand tensors. */
const MAX_STEPS = 4_000_000;
/** Tensor names are dotted paths; the reference's longest has 100 bytes. */
const MAX_TEXT_BYTES = 65_536;
/** Integers are sizes (8 bytes) or the magic number of the old format (10 bytes). */
const MAX_INTEGER_BYTES = 16;
const MAX_SYMBOL_BYTES = 256;

/**
 * Runs one pickle to its STOP.
 * @throws CheckpointError checkpoint.unsupported for an opcode or import outside the lists, checkpoint.malformed
 */
export function unpickle(cursor: ByteCursor): PickleValue {
  return new PickleMachine(cursor).run();
}

class PickleMachine {
  private stack: PickleValue[] = [];
  /** Stacks below open MARKs. */
  private readonly outer: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(private readonly cursor: ByteCursor) {}

  run(): PickleValue {
    for (let step = 0; step < MAX_STEPS; step++) {
      const opcode = this.cursor.u8();
      if (opcode === STOP) return this.pop();
      const action = ACTIONS.get(opcode);
      if (action === undefined) {
        throw unsupported(
          this.cursor.file,
          `The pickle uses opcode 0x${opcode.toString(16).padStart(2, '0')} (${FORBIDDEN_NAMES.get(opcode) ?? 'unknown'}), which state dicts of tensors do not need. Only tensors and dictionaries are read; nothing is executed.`,
        );
      }
      action(this, this.cursor);
    }
    throw malformed(this.cursor.file, `The pickle takes more than ${MAX_STEPS} steps.`);
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw malformed(this.cursor.file, 'The pickle takes from an empty stack.');
    return value;
  }

  top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw malformed(this.cursor.file, 'The pickle looks at an empty stack.');
    return value;
  }

  mark(): void {
    this.outer.push(this.stack);
    this.stack = [];
  }

  /** Everything since the last MARK. */
  popMark(): PickleValue[] {
    const below = this.outer.pop();
    if (below === undefined) throw malformed(this.cursor.file, 'The pickle closes a mark that is not open.');
    const items = this.stack;
    this.stack = below;
    return items;
  }

  remember(slot: number): void {
    this.memo.set(slot, this.top());
  }

  recall(slot: number): void {
    const value = this.memo.get(slot);
    if (value === undefined)
      throw malformed(this.cursor.file, `The pickle recalls memo ${slot}, which is not set.`);
    this.push(value);
  }

  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.push({ kind: 'tuple', items });
  }

  import(): void {
    const module = this.cursor.line(MAX_SYMBOL_BYTES, 'A module name');
    const attribute = this.cursor.line(MAX_SYMBOL_BYTES, 'A symbol name');
    const name = allowedSymbol(module, attribute);
    if (name === undefined) {
      throw unsupported(
        this.cursor.file,
        `The pickle asks for ${module}.${attribute}. This is no file of tensors (or a hostile one); nothing was executed.`,
      );
    }
    this.push({ kind: 'symbol', name });
  }

  /** Records a call. OrderedDict() and torch.Size(tuple) are data themselves. */
  reduce(): void {
    const args = this.popTuple('REDUCE');
    const callee = this.pop();
    const name = symbolOf(callee)?.name;
    if (name === 'collections OrderedDict' && args.items.length === 0)
      this.push({ kind: 'dict', entries: new Map() });
    else if (name === 'torch Size') this.push(tupleOf(args.items[0]) ?? this.refuseCall(name));
    else if (name !== undefined && isRebuildFunction(name))
      this.push({ kind: 'call', name, args: args.items });
    else this.refuseCall(name ?? `a ${kindOf(callee)}`);
  }

  /** State of an OrderedDict (`_metadata`): read and dropped. */
  build(): void {
    this.pop();
    if (dictOf(this.top()) === undefined)
      throw unsupported(this.cursor.file, `The pickle sets attributes of a ${kindOf(this.top())}.`);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = dictOf(this.top());
    if (dict === undefined || items.length % 2 !== 0)
      throw malformed(this.cursor.file, 'The pickle puts items into something that is no dictionary.');
    for (let index = 0; index < items.length; index += 2) {
      const key = keyOf(items[index]);
      const value = items[index + 1];
      if (key === undefined || value === undefined)
        throw unsupported(this.cursor.file, `The pickle uses a ${kindOf(items[index])} as a key.`);
      dict.entries.set(key, value);
    }
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list === null || typeof list !== 'object' || list.kind !== 'list')
      throw malformed(this.cursor.file, 'The pickle appends to something that is no list.');
    for (const item of items) list.items.push(item);
  }

  storage(): void {
    this.push({ kind: 'storage', id: this.popTuple('BINPERSID') });
  }

  private popTuple(opcode: string): PickleTuple {
    const value = tupleOf(this.pop());
    if (value === undefined)
      throw malformed(this.cursor.file, `The pickle gives ${opcode} something else than a tuple.`);
    return value;
  }

  private refuseCall(what: string): never {
    throw unsupported(
      this.cursor.file,
      `The pickle calls ${what}. Only tensors are rebuilt; nothing was executed.`,
    );
  }
}

export function dictOf(value: PickleValue | undefined): PickleDict | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'dict' ? value : undefined;
}

export function tupleOf(value: PickleValue | undefined): PickleTuple | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'tuple' ? value : undefined;
}

function symbolOf(value: PickleValue): PickleSymbol | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'symbol' ? value : undefined;
}

function keyOf(value: PickleValue | undefined): PickleKey | undefined {
  return value === undefined || (value !== null && typeof value === 'object') ? undefined : value;
}

type Action = (machine: PickleMachine, cursor: ByteCursor) => void;

const STOP = 0x2e;

const ACTIONS: ReadonlyMap<number, Action> = new Map<number, Action>([
  [0x80, (_, cursor) => checkProtocol(cursor)],
  [0x28, (machine) => machine.mark()],
  [0x7d, (machine) => machine.push({ kind: 'dict', entries: new Map() })],
  [0x5d, (machine) => machine.push({ kind: 'list', items: [] })],
  [0x29, (machine) => machine.push({ kind: 'tuple', items: [] })],
  [0x74, (machine) => machine.push({ kind: 'tuple', items: machine.popMark() })],
  [0x85, (machine) => machine.tuple(1)],
  [0x86, (machine) => machine.tuple(2)],
  [0x87, (machine) => machine.tuple(3)],
  [0x4e, (machine) => machine.push(null)],
  [0x88, (machine) => machine.push(true)],
  [0x89, (machine) => machine.push(false)],
  [0x4a, (machine, cursor) => machine.push(cursor.i32())],
  [0x4b, (machine, cursor) => machine.push(cursor.u8())],
  [0x4d, (machine, cursor) => machine.push(cursor.u16())],
  [0x8a, (machine, cursor) => machine.push(longInteger(cursor))],
  [0x47, (machine, cursor) => machine.push(cursor.f64BigEndian())],
  [0x58, (machine, cursor) => machine.push(binaryText(cursor))],
  [0x71, (machine, cursor) => machine.remember(cursor.u8())],
  [0x72, (machine, cursor) => machine.remember(cursor.u32())],
  [0x68, (machine, cursor) => machine.recall(cursor.u8())],
  [0x6a, (machine, cursor) => machine.recall(cursor.u32())],
  [0x63, (machine) => machine.import()],
  [0x52, (machine) => machine.reduce()],
  [0x51, (machine) => machine.storage()],
  [0x73, (machine) => machine.setItems([machine.pop(), machine.pop()].reverse())],
  [0x75, (machine) => setItemsSinceMark(machine)],
  [0x61, (machine) => machine.append([machine.pop()])],
  [0x65, (machine) => appendSinceMark(machine)],
  [0x62, (machine) => machine.build()],
]);

/** Names of opcodes that are refused, for the message. */
const FORBIDDEN_NAMES: ReadonlyMap<number, string> = new Map([
  [0x30, 'POP'],
  [0x31, 'POP_MARK'],
  [0x32, 'DUP'],
  [0x42, 'BINBYTES'],
  [0x43, 'SHORT_BINBYTES'],
  [0x46, 'FLOAT'],
  [0x49, 'INT'],
  [0x4c, 'LONG'],
  [0x50, 'PERSID'],
  [0x53, 'STRING'],
  [0x54, 'BINSTRING'],
  [0x55, 'SHORT_BINSTRING'],
  [0x56, 'UNICODE'],
  [0x64, 'DICT'],
  [0x67, 'GET'],
  [0x69, 'INST'],
  [0x6c, 'LIST'],
  [0x6f, 'OBJ'],
  [0x70, 'PUT'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x8b, 'LONG4'],
  [0x8c, 'SHORT_BINUNICODE'],
  [0x92, 'NEWOBJ_EX'],
  [0x93, 'STACK_GLOBAL'],
  [0x94, 'MEMOIZE'],
  [0x95, 'FRAME'],
]);

function setItemsSinceMark(machine: PickleMachine): void {
  machine.setItems(machine.popMark());
}

function appendSinceMark(machine: PickleMachine): void {
  machine.append(machine.popMark());
}

function checkProtocol(cursor: ByteCursor): void {
  const protocol = cursor.u8();
  if (protocol !== 2)
    throw unsupported(cursor.file, `The pickle has protocol ${protocol}; torch.save writes protocol 2.`);
}

function longInteger(cursor: ByteCursor): number | bigint {
  const byteCount = cursor.u8();
  if (byteCount > MAX_INTEGER_BYTES)
    throw malformed(cursor.file, `An integer of ${byteCount} bytes in the pickle.`);
  let value = 0n;
  for (const [index, byte] of cursor.range(byteCount).entries()) value += BigInt(byte) << BigInt(8 * index);
  const signed = BigInt.asIntN(8 * byteCount, value);
  return signed >= Number.MIN_SAFE_INTEGER && signed <= Number.MAX_SAFE_INTEGER ? Number(signed) : signed;
}

function binaryText(cursor: ByteCursor): string {
  const byteCount = cursor.u32();
  if (byteCount > MAX_TEXT_BYTES) throw malformed(cursor.file, `A text of ${byteCount} bytes in the pickle.`);
  return cursor.text(byteCount, 'A text in the pickle');
}
