// Folders whose weights are there in two forms: which of them are read, and what is said of the others.
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../fixtures/safetensors-writer.fixture.js';
import { tinyCheckpoint, writeJson, type TinyCheckpoint } from '../fixtures/tiny-checkpoint.fixture.js';
import { torchBytes } from '../fixtures/torch-writer.fixture.js';
import { openWeightFiles } from './weight-files.js';

const made: TinyCheckpoint[] = [];
afterEach(() => {
  for (const checkpoint of made.splice(0)) checkpoint.remove();
});

const tensor = (name: string) => ({ name, type: 'F16' as const, shape: [2], values: Float32Array.of(1, 2) });
const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

/** A checkpoint in two shards with an index, and what a test adds. */
function folderWith(files: Readonly<Record<string, Uint8Array>>): string {
  const tiny = tinyCheckpoint();
  made.push(tiny);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(tiny.folder, name), bytes);
  return tiny.folder;
}

async function look(folder: string) {
  const weights = await openWeightFiles(folder, readdirSync(folder));
  await weights.close();
  return { names: weights.names, warning: weights.warnings.join(' '), count: weights.tensors.size };
}

const single = safetensorsBytes([tensor('only')]);

describe('openWeightFiles', () => {
  it('reads shards by their index, with nothing to say', async () => {
    const { names, warning } = await look(folderWith({}));
    expect([names, warning]).toEqual([SHARDS, '']);
  });

  it('takes model.safetensors before an index, and names what it passes over', async () => {
    const { names, warning, count } = await look(folderWith({ 'model.safetensors': single }));
    expect([names, count]).toEqual([['model.safetensors'], 1]);
    expect(warning).toContain('model.safetensors, which transformers takes first');
    expect(warning).toContain(`passed over: ${SHARDS.join(', ')}, model.safetensors.index.json`);
  });

  it('does not miss the shards of a stale index beside model.safetensors', async () => {
    const folder = folderWith({ 'model.safetensors': single });
    for (const shard of SHARDS) rmSync(join(folder, shard));
    const { names, warning } = await look(folder);
    expect(names).toEqual(['model.safetensors']);
    expect(warning).toContain('passed over: model.safetensors.index.json.');
  });

  it('takes safetensors before PyTorch files, sharded or not', async () => {
    const torch = torchBytes([tensor('other')]);
    const { names, warning } = await look(folderWith({ 'pytorch_model.bin': torch }));
    expect(names).toEqual(SHARDS);
    expect(warning).toContain('passed over: pytorch_model.bin.');
  });

  it('takes one PyTorch file before an index of PyTorch shards', async () => {
    const folder = folderWith({ 'pytorch_model.bin': torchBytes([tensor('only')]) });
    for (const name of [...SHARDS, 'model.safetensors.index.json']) rmSync(join(folder, name));
    writeJson(folder, 'pytorch_model.bin.index.json', {
      weight_map: { a: 'pytorch_model-00001-of-00002.bin' },
    });
    expect(await look(folder)).toMatchObject({ names: ['pytorch_model.bin'], count: 1 });
  });

  it('passes over shards that the index does not name', async () => {
    const { names, warning } = await look(folderWith({ 'model-00003-of-00003.safetensors': single }));
    expect(names).toEqual(SHARDS);
    expect(warning).toContain('passed over: model-00003-of-00003.safetensors.');
  });

  it('says that an index belongs to another save where its shards are gone and others lie there', async () => {
    const folder = folderWith({});
    renameSync(join(folder, SHARDS[1] ?? ''), join(folder, 'model-00002-of-00003.safetensors'));
    await expect(look(folder)).rejects.toMatchObject({
      code: 'checkpoint.incomplete',
      message: expect.stringContaining('the index belongs to another save') as unknown,
    });
  });

  it('reads a lone shard without an index, and no other', async () => {
    const folder = folderWith({ 'model-00001-of-00001.safetensors': single });
    for (const name of [...SHARDS, 'model.safetensors.index.json']) rmSync(join(folder, name));
    expect(await look(folder)).toMatchObject({
      names: ['model-00001-of-00001.safetensors'],
      count: 1,
      warning: '',
    });
    renameSync(
      join(folder, 'model-00001-of-00001.safetensors'),
      join(folder, 'model-00001-of-00002.safetensors'),
    );
    await expect(look(folder)).rejects.toThrow('no index that says what they hold');
  });
});
