// Runs a pickle that builds data and does nothing else. It knows the opcodes that occur in state dicts and no others. Opcodes:
// CPython 3.11, Lib/pickletools.py; the set is that of torch/_weights_only_unpickler.py without object construction.
import { malformed, unsupported } from '../failures.js';
import type { ByteCursor } from '../files/byte-cursor.js';
import { PickleMachine } from './pickle-machine.js';
import type { PickleValue } from './pickle-value.js';

/** A state dict of 1,000 tensors takes 40,000 steps; the largest shards have some thousand tensors. */
const MAX_STEPS = 4_000_000;
/** Tensor names are dotted paths; the reference's longest has 100 bytes. */
const MAX_TEXT_BYTES = 65_536;
/** Integers are sizes (8 bytes) or the magic number of the old format (10 bytes). */
const MAX_INTEGER_BYTES = 16;

/**
 * Runs one pickle to its STOP.
 * @throws CheckpointError checkpoint.unsupported for an opcode or import outside the lists, checkpoint.malformed
 */
export function unpickle(cursor: ByteCursor): PickleValue {
  const machine = new PickleMachine(cursor);
  for (let step = 0; step < MAX_STEPS; step++) {
    const opcode = cursor.u8();
    if (opcode === STOP) return machine.pop();
    const action = ACTIONS.get(opcode);
    if (action === undefined) {
      throw unsupported(
        cursor.file,
        `The pickle uses opcode 0x${opcode.toString(16).padStart(2, '0')} (${FORBIDDEN_NAMES.get(opcode) ?? 'unknown'}), which state dicts of tensors do not need. Only tensors and dictionaries are read; nothing is executed.`,
      );
    }
    action(machine, cursor);
  }
  throw malformed(cursor.file, `The pickle takes more than ${MAX_STEPS} steps.`);
}

type Action = (machine: PickleMachine, cursor: ByteCursor) => void;

const STOP = 0x2e;

const ACTIONS: ReadonlyMap<number, Action> = new Map<number, Action>([
  [0x80, (_, cursor) => validateProtocol(cursor)],
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

function validateProtocol(cursor: ByteCursor): void {
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
