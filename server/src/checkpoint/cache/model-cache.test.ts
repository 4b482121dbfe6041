import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { splitGguf, tinyPair } from '../fixtures/rewritten-pair.fixture.js';
import { floatCodec } from '../fixtures/float-codec.fixture.js';
import {
  tinyCheckpoint,
  writeJson,
  type TinyCheckpoint,
  type TinyOptions,
} from '../fixtures/tiny-checkpoint.fixture.js';
import { ensureGgufPair, type CacheEvent, type EnsureOptions } from './model-cache.js';

let repositoryPath: string;
const made: TinyCheckpoint[] = [];
beforeEach(() => {
  repositoryPath = mkdtempSync(join(tmpdir(), 'takeoff-cache-'));
});
afterEach(() => {
  rmSync(repositoryPath, { recursive: true });
  for (const checkpoint of made.splice(0)) checkpoint.remove();
});

const make = (options: TinyOptions = {}) => {
  const checkpoint = tinyCheckpoint(options);
  made.push(checkpoint);
  return checkpoint;
};

async function ensure(source: string, over: Partial<EnsureOptions> = {}) {
  const events: CacheEvent[] = [];
  const paths = await ensureGgufPair({
    source,
    repositoryPath,
    textType: 'auto',
    towerType: 'auto',
    codec: floatCodec,
    onEvent: (event) => events.push(event),
    ...over,
  });
  return { ...paths, converted: events.some(({ kind }) => kind === 'converting'), events };
}

describe('ensureGgufPair', () => {
  it('converts once and finds the pair again', async () => {
    const { folder } = make();
    const first = await ensure(folder);
    const second = await ensure(folder);
    expect([first.converted, second.converted]).toEqual([true, false]);
    expect(second.modelPath).toBe(first.modelPath);
    expect(readdirSync(repositoryPath)).toHaveLength(1);
  });

  it('keys by content, not by place or time', async () => {
    const { folder } = make();
    await ensure(folder);
    utimesSync(join(folder, 'model-00001-of-00002.safetensors'), 1, 1);
    expect((await ensure(folder)).converted).toBe(false);
  });

  it('converts again when a byte of a weight, the configuration, the tokenizer or the chat template changes', async () => {
    const { folder } = make();
    await ensure(folder);
    const shard = join(folder, 'model-00002-of-00002.safetensors');
    const bytes = readFileSync(shard);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(shard, bytes);
    expect((await ensure(folder)).converted).toBe(true);
    writeJson(folder, 'generation_config.json', { eos_token_id: 3 });
    expect((await ensure(folder)).converted).toBe(true);
    writeFileSync(join(folder, 'chat_template.jinja'), '{{ messages }}');
    expect((await ensure(folder)).converted).toBe(true);
    expect((await ensure(folder)).converted).toBe(false);
    expect(readdirSync(repositoryPath)).toHaveLength(4);
  });

  it('keeps pairs of different types beside each other', async () => {
    const { folder } = make();
    const f32 = await ensure(folder, { textType: 'f32' });
    const bf16 = await ensure(folder, { textType: 'bf16' });
    expect(dirname(f32.modelPath)).not.toBe(dirname(bf16.modelPath));
    expect(f32.modelPath).toContain('-f32-');
  });

  it('goes on after a process that was killed half way', async () => {
    const { folder } = make();
    const done = dirname((await ensure(folder)).modelPath);
    rmSync(done, { recursive: true });
    mkdirSync(`${done}.partial`);
    writeFileSync(join(`${done}.partial`, 'model.gguf.partial'), 'half');
    writeFileSync(`${done}.lock`, '1\n');
    const longAgo = Date.now() / 1000 - 3600;
    utimesSync(`${done}.lock`, longAgo, longAgo);
    expect((await ensure(folder)).converted).toBe(true);
    expect(readdirSync(repositoryPath)).toEqual([done.slice(repositoryPath.length + 1)]);
  });

  it('removes what a killed conversion of another model left, and nothing that is in use', async () => {
    const { folder } = make();
    for (const name of ['gone.partial', 'dead.partial', 'busy.partial'])
      mkdirSync(join(repositoryPath, name));
    const lock = (pid: number) => JSON.stringify({ host: hostname(), pid, token: 't' });
    writeFileSync(join(repositoryPath, 'dead.lock'), lock(2 ** 22 + 1));
    writeFileSync(join(repositoryPath, 'busy.lock'), lock(process.ppid));
    await ensure(folder);
    expect(
      readdirSync(repositoryPath)
        .filter((name) => !name.includes('-f16-'))
        .sort(),
    ).toEqual(['busy.lock', 'busy.partial']);
  });

  it('converts a damaged pair again', async () => {
    const { folder } = make();
    const { modelPath } = await ensure(folder);
    truncateSync(modelPath, statSync(modelPath).size - 4000);
    expect((await ensure(folder)).converted).toBe(true);
    rmSync(modelPath);
    expect((await ensure(folder)).converted).toBe(true);
  });

  it('converts once for two callers at the same time', async () => {
    const { folder } = make();
    const both = await Promise.all([ensure(folder), ensure(folder)]);
    expect(both.filter(({ converted }) => converted)).toHaveLength(1);
    expect(both[0].modelPath).toBe(both[1].modelPath);
  });

  it('leaves no pair and no leftovers when it is cancelled', async () => {
    const { folder } = make();
    const abort = new AbortController();
    const attempt = ensure(folder, { signal: abort.signal, onEvent: () => abort.abort() });
    await expect(attempt).rejects.toMatchObject({ code: 'checkpoint.cancelled' });
    expect(readdirSync(repositoryPath)).toEqual([]);
  });

  it('passes warnings of the checkpoint on', async () => {
    const { folder } = make({ config: { mm_vision_tower: 'openai/clip' } });
    const { events } = await ensure(folder);
    expect(events[0]).toMatchObject({ kind: 'warning' });
  });

  it('names the setting when the cache cannot be written', async () => {
    const { folder } = make();
    writeFileSync(join(repositoryPath, 'file'), '');
    await expect(ensure(folder, { repositoryPath: join(repositoryPath, 'file', 'x') })).rejects.toThrow(
      'TAKEOFF_REPOSITORY_PATH',
    );
  });

  it('takes a GGUF pair as it is, named by its folder or by the model', async () => {
    const { folder } = make();
    const { modelPath, projectorPath } = await ensure(folder);
    const byFolder = await ensure(dirname(modelPath));
    const byFile = await ensure(modelPath);
    for (const found of [byFolder, byFile])
      expect([found.modelPath, found.projectorPath, found.converted]).toEqual([
        modelPath,
        projectorPath,
        false,
      ]);
  });

  it('says what is wrong with a path that names no model', async () => {
    await expect(ensure(join(repositoryPath, 'nowhere'))).rejects.toMatchObject({
      code: 'checkpoint.missing',
    });
    await expect(ensure(repositoryPath)).rejects.toThrow('no config.json');
    writeFileSync(join(repositoryPath, 'weights.bin'), 'x');
    await expect(ensure(join(repositoryPath, 'weights.bin'))).rejects.toThrow('no GGUF file');
    expect(existsSync(join(repositoryPath, 'weights.bin'))).toBe(true);
  });

  it('serves a pair beside the config.json of its origin, but weights before GGUF files', async () => {
    const { folder } = make();
    const { modelPath, projectorPath } = await ensure(folder);
    const pairFolder = dirname(modelPath);
    writeFileSync(join(pairFolder, 'config.json'), '{"model_type": "llama"}');
    const found = await ensure(pairFolder);
    expect([found.modelPath, found.projectorPath]).toEqual([modelPath, projectorPath]);
    copyFileSync(modelPath, join(folder, 'beside.gguf'));
    expect((await ensure(folder)).modelPath).toBe(modelPath);
  });

  it('knows GGUF files that are named by their hash, by first bytes', async () => {
    const { modelPath, projectorPath } = await ensure(make().folder);
    const store = mkdtempSync(join(repositoryPath, 'blobs'));
    const [model, projector] = [join(store, `sha256-${'a1'.repeat(32)}`), join(store, 'b2'.repeat(32))];
    copyFileSync(modelPath, model);
    const alone = await ensure(model);
    expect([alone.modelPath, alone.projectorPath]).toEqual([model, null]);
    expect(alone.events).toMatchObject([
      { kind: 'warning', message: expect.stringContaining('cannot be found by name') as unknown },
    ]);
    copyFileSync(projectorPath!, projector);
    writeFileSync(join(store, 'c3'.repeat(32)), '{"a": "template of another model"}');
    const named = await ensure(model, { projectorFile: 'b2'.repeat(32) });
    for (const found of [await ensure(store), named, await ensure(model, { projectorFile: projector })])
      expect([found.modelPath, found.projectorPath, found.events]).toEqual([model, projector, []]);
  });

  it('asks for projector_file where several mmproj files lie beside a model', async () => {
    const { modelPath, projectorPath } = await ensure(make().folder);
    const folder = dirname(modelPath);
    const other = join(folder, 'mmproj-f16.gguf');
    copyFileSync(projectorPath!, other);
    for (const source of [folder, modelPath])
      await expect(ensure(source)).rejects.toThrow(
        'several mmproj files (mmproj-f16.gguf, mmproj.gguf). Name one as projector_file',
      );
    for (const source of [folder, modelPath])
      expect((await ensure(source, { projectorFile: 'mmproj-f16.gguf' })).projectorPath).toBe(other);
  });

  it('refuses projector_file for a checkpoint, which has its own', async () => {
    const { folder } = make();
    await expect(ensure(folder, { projectorFile: 'mmproj.gguf' })).rejects.toThrow(
      'Leave projector_file out',
    );
  });

  it('takes the files of a split model for one, whichever is named', async () => {
    const tiny = await tinyPair();
    try {
      const names = await splitGguf(tiny.modelPath, 3);
      rmSync(tiny.modelPath);
      const first = join(tiny.folder, names[0]!);
      for (const source of [tiny.folder, first, join(tiny.folder, names[1]!)])
        expect(await ensure(source)).toMatchObject({ modelPath: first, projectorPath: tiny.projectorPath });
      rmSync(first);
      await expect(ensure(tiny.folder)).rejects.toThrow(`${names[0]!}, is not beside it`);
    } finally {
      tiny.remove();
    }
  });

  it('asks which of several models is meant', async () => {
    const { folder } = make();
    const { modelPath } = await ensure(folder);
    writeFileSync(join(dirname(modelPath), 'second.gguf'), readFileSync(modelPath));
    await expect(ensure(dirname(modelPath))).rejects.toThrow('several language models');
    expect((await ensure(modelPath)).modelPath).toBe(modelPath);
  });
});
