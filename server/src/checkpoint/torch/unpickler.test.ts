import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../errors.js';
import { ByteCursor } from '../files/byte-cursor.js';
import { unpickle } from './unpickler.js';

const run = (...parts: (string | number[])[]) => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return unpickle(new ByteCursor(bytes, bytes.length, 'test.pkl'));
};

describe('unpickle', () => {
  it('builds dictionaries, tuples, lists and numbers of every width', () => {
    const root = run(
      [0x80, 2, 0x7d, 0x28],
      [0x58, 1, 0, 0, 0],
      'a',
      [0x4b, 7, 0x4d, 1, 2, 0x4a, 0xff, 0xff, 0xff, 0xff, 0x87],
      [0x58, 1, 0, 0, 0],
      'b',
      [0x5d, 0x28, 0x8a, 5, 0, 0, 0, 0, 1, 0x88, 0x4e, 0x65],
      [0x75, 0x2e],
    );
    expect(root).toEqual({
      kind: 'dict',
      entries: new Map<string, unknown>([
        ['a', { kind: 'tuple', items: [7, 513, -1] }],
        ['b', { kind: 'list', items: [2 ** 32, true, null] }],
      ]),
    });
  });

  it('records a rebuild with its arguments instead of calling it', () => {
    expect(run([0x80, 2], 'ctorch._utils\n_rebuild_tensor_v2\n', [0x4b, 1, 0x85, 0x52, 0x2e])).toEqual({
      kind: 'call',
      name: 'torch._utils _rebuild_tensor_v2',
      args: [1],
    });
  });

  it.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['torch', 'load'],
    ['torch._utils', '_rebuild_device_tensor_from_numpy'],
    ['collections', 'OrderedDict.fromkeys'],
    ['__builtin__', 'getattr'],
    ['constructor', 'prototype'],
  ])('refuses to import %s.%s and names it', (module, name) => {
    expect(() => run([0x80, 2], `c${module}\n${name}\n`, [0x2e])).toThrow(`${module}.${name}`);
  });

  it('refuses a call of an allowed name that is no rebuild function', () => {
    expect(() => run([0x80, 2], 'ctorch\nFloatStorage\n', [0x29, 0x52, 0x2e])).toThrow(
      'calls torch FloatStorage',
    );
    expect(() => run([0x80, 2], 'ccollections\nOrderedDict\n', [0x4b, 1, 0x85, 0x52, 0x2e])).toThrow('calls');
    expect(() => run([0x80, 2, 0x4b, 1, 0x29, 0x52, 0x2e])).toThrow('calls a number');
  });

  it('refuses the opcodes that construct objects, by name', () => {
    const opcodes: [number, string][] = [
      [0x81, 'NEWOBJ'],
      [0x69, 'INST'],
      [0x6f, 'OBJ'],
      [0x93, 'STACK_GLOBAL'],
      [0x82, 'EXT1'],
    ];
    for (const [opcode, name] of opcodes) expect(() => run([0x80, 2, opcode])).toThrow(name);
  });

  it('accepts the 30 opcodes of state dicts and STOP, no others', () => {
    const accepted = Array.from({ length: 256 }, (_, opcode) => opcode).filter((opcode) => {
      try {
        run([opcode]);
        return true;
      } catch (error) {
        return !(error instanceof CheckpointError && error.message.includes('The pickle uses opcode'));
      }
    });
    expect(accepted).toHaveLength(31);
  });

  it('refuses unbalanced stacks, marks and containers', () => {
    expect(() => run([0x2e])).toThrow('empty stack');
    expect(() => run([0x74])).toThrow('mark');
    expect(() => run([0x7d, 0x28, 0x4e, 0x75])).toThrow('dictionary');
    expect(() => run([0x4e, 0x28, 0x65])).toThrow('list');
    expect(() => run([0x7d, 0x29, 0x4e, 0x73])).toThrow('key');
    expect(() => run([0x4e, 0x4e, 0x62])).toThrow('attributes');
  });

  it('refuses a pickle of millions of steps', () => {
    const bytes = Buffer.alloc(5_000_000, 0x4e);
    expect(() => unpickle(new ByteCursor(bytes, bytes.length, 'long.pkl'))).toThrow('steps');
  });

  it('refuses an absurd length before reading it', () => {
    expect(() => run([0x58, 0xff, 0xff, 0xff, 0x7f])).toThrow('A text of 2147483647 bytes');
    expect(() => run([0x8a, 200])).toThrow('An integer of 200 bytes');
  });
});
