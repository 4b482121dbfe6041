import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CheckpointError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';
import { memorySource } from '../files/memory-source.js';
import { elementCountOf, type StoredTensor } from '../files/stored-tensor.js';
import { readTorchFile } from './torch-file.js';

const FOLDER = fileURLToPath(new URL('../../../../test/goldens/torch-bin/', import.meta.url));
const DTYPES: Record<string, string> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

const goldenSchema = z.object({
  file: z.string(),
  expect: z.enum(['tensors', 'refused']),
  why: z.string().optional(),
  shows: z.string().optional(),
  tensors: z
    .record(z.string(), z.object({ dtype: z.string(), shape: z.array(z.int()), base64: z.string() }))
    .optional(),
});

const goldens = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => goldenSchema.parse(JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))));

const open = (file: string): ByteSource => memorySource(file, readFileSync(join(FOLDER, file)));
const readAll = (tensor: StoredTensor) => tensor.read(0, elementCountOf(tensor.shape) ?? 0);

describe('readTorchFile', () => {
  const honest = goldens.filter((golden) => golden.expect === 'tensors');
  it.each(honest)('reads $file bit for bit: $shows', async ({ file, tensors: wanted = {} }) => {
    const tensors = await readTorchFile(open(file));
    expect(tensors.map((tensor) => tensor.name)).toEqual(Object.keys(wanted));
    for (const tensor of tensors) {
      const { dtype, shape, base64 } = wanted[tensor.name]!;
      expect([tensor.elementType, tensor.shape]).toEqual([DTYPES[dtype], shape]);
      expect(Buffer.from(await readAll(tensor)).toString('base64')).toBe(base64);
    }
  });

  it('reads any range of rows of a gathered tensor as the same bytes of the whole', async () => {
    for (const file of ['transposed.bin', 'expanded.bin', 'strided.bin', 'legacy-views.bin']) {
      for (const tensor of await readTorchFile(open(file))) {
        const whole = await readAll(tensor);
        const count = elementCountOf(tensor.shape) ?? 0;
        for (let first = 0; first < count; first++) {
          for (let length = 0; first + length <= count; length++) {
            const part = await tensor.read(first, length);
            const width = whole.length / count;
            expect(part).toEqual(whole.slice(first * width, (first + length) * width));
          }
        }
      }
    }
  });

  const hostile = goldens.filter((golden) => golden.expect === 'refused');
  it.each(hostile)('refuses $file: $why', async ({ file }) => {
    const attempt = readTorchFile(open(file)).then((tensors) => Promise.all(tensors.map(readAll)));
    await expect(attempt).rejects.toThrow(CheckpointError);
    await expect(attempt).rejects.toThrow(file);
    expect(existsSync('pickle-was-executed')).toBe(false);
  });

  it.each([
    ['hostile-os-system.bin', 'posix.system'],
    ['hostile-builtin-eval.bin', 'eval'],
    ['hostile-stack-global.bin', 'protocol 4'],
    ['hostile-inst-opcode.bin', 'STRING'],
    ['hostile-training-args.bin', 'nothing was executed'],
    ['hostile-entry-past-end.bin', 'past the end'],
    ['hostile-unknown-opcode.bin', '0xff'],
    ['hostile-memo-unset.bin', 'memo'],
    ['hostile-compressed-entry.bin', 'compressed'],
    ['hostile-torchscript.bin', 'TorchScript'],
    ['hostile-storage-missing.bin', 'data/7'],
    ['hostile-storage-longer-than-entry.bin', '1000 elements'],
    ['hostile-view-past-storage.bin', 'past its storage'],
    ['hostile-legacy-lying-count.bin', '1099511627776'],
  ])('says why it refuses %s', async (file, reason) => {
    await expect(readTorchFile(open(file))).rejects.toThrow(reason);
  });

  it('refuses what is neither a ZIP archive nor a pickle, and says what it looked for', async () => {
    await expect(readTorchFile(memorySource('x.bin', Buffer.from('hello, world')))).rejects.toThrow(
      'torch.save',
    );
    await expect(readTorchFile(memorySource('x.bin', Buffer.from('PK')))).rejects.toThrow('too few');
  });
});
