import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestTensor } from '../fixtures/safetensors-writer.fixture.js';
import { tinyCheckpoint, type TinyOptions } from '../fixtures/tiny-checkpoint.fixture.js';
import { tinyLora } from '../fixtures/tiny-lora.fixture.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import { startFakeHub, type FakeHub, type FakeRepository } from './fake-hub.fixture.js';
import type { HubEvent } from './hub-event.js';
import { Hub, type HubOptions } from './hub.js';
import { REAL_DISK, type Disk } from './part-file.js';

const COMMIT = 'a'.repeat(40);
const NEXT_COMMIT = 'b'.repeat(40);
const TOWER_COMMIT = 'c'.repeat(40);
const TOKEN = 'hf_verysecret';
const SHARD = 'model-00001-of-00002.safetensors';

const CLUTTER = {
  'README.md': '# Model',
  'training_args.bin': 'arbitrary code',
  'optimizer.pt': Buffer.alloc(5000),
  'tf_model.h5': Buffer.alloc(5000, 1),
  'pytorch_model.bin': Buffer.alloc(5000, 2),
  'ggml-model-q4_k.gguf': 'GGUF',
  'image.png': 'PNG',
};

function filesIn(folder: string): Record<string, Uint8Array> {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(entries.map(({ name }) => [name, readFileSync(join(folder, name))] as const));
}

function tinyFiles(options: TinyOptions): Record<string, Uint8Array> {
  const tiny = tinyCheckpoint(options);
  const files = filesIn(tiny.folder);
  tiny.remove();
  return files;
}
const TINY_FILES = tinyFiles({});

let hub: FakeHub;
let repositoryPath: string;
let events: HubEvent[];
let pausesMs: number[];

beforeEach(async () => {
  hub = await startFakeHub(model());
  repositoryPath = mkdtempSync(join(tmpdir(), 'takeoff-hub-'));
  events = [];
  pausesMs = [];
});
afterEach(async () => {
  await hub.close();
  rmSync(repositoryPath, { recursive: true, force: true });
});

/** A complete checkpoint with what repositories usually have besides. */
function model(change: Partial<FakeRepository> = {}, options?: TinyOptions): FakeRepository {
  const files = options === undefined ? TINY_FILES : tinyFiles(options);
  return { id: 'owner/tiny', commit: COMMIT, files: { ...CLUTTER, ...files }, ...change };
}

function open(options: Partial<HubOptions> = {}): Hub {
  return new Hub({
    repositoryPath,
    endpoint: hub.endpoint,
    accessToken: null,
    isOffline: false,
    onEvent: (event) => events.push(event),
    waits: {
      delay: (ms) => {
        pausesMs.push(ms);
        return Promise.resolve();
      },
      nowMs: () => 0,
      stallMs: 60_000,
    },
    ...options,
  });
}

const warnings = () => events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []));
const blobs = () => readdirSync(join(repositoryPath, 'hub', 'models--owner--tiny', 'blobs')).sort();
const bytesOf = (folder: string, name: string) => readFileSync(join(folder, name));
const shardBytes = () => Buffer.from(model().files[SHARD] ?? '');

async function failureOf(work: Promise<unknown>): Promise<Error & { code: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('It did not fail.');
}

describe('Hub.resolveSource', () => {
  it('leaves paths alone, also those that could be names of the hub', async () => {
    const folder = join(repositoryPath, 'a');
    await expect(open().resolveSource(repositoryPath)).resolves.toBe(repositoryPath);
    await expect(open().resolveSource(folder)).resolves.toBe(folder);
    await expect(open().resolveSource('server/src')).resolves.toBe('server/src');
    expect(hub.seen).toEqual([]);
  });

  it('downloads what a reader needs and nothing else, and the folder loads as a checkpoint', async () => {
    const folder = await open().resolveSource('owner/tiny');
    const names = [
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'tokenizer.model',
      'tokenizer_config.json',
    ];
    expect(hub.fetched()).toEqual(names);
    expect(readdirSync(folder).sort()).toEqual(names);
    const { files } = model();
    for (const name of names) expect(bytesOf(folder, name).equals(Buffer.from(files[name] ?? ''))).toBe(true);
    const checkpoint = await describeCheckpoint(folder);
    expect(checkpoint.description.architecture).toBe('LlavaLlamaForCausalLM');
    await checkpoint.close();
  });

  it('fetches no weights that are quantised already, as far as names tell', async () => {
    const quantization_config = { quant_method: 'bitsandbytes', load_in_4bit: true };
    const change = (stored: readonly TestTensor[]) => [
      ...stored,
      ...stored
        .slice(0, 1)
        .map((tensor) => ({ ...tensor, name: 'model.layers.0.mlp.up_proj.weight.absmax' })),
    ];
    hub.put(model({}, { config: { quantization_config }, change }));
    expect(await failureOf(open().resolveSource('owner/tiny'))).toMatchObject({
      code: 'checkpoint.unsupported',
    });
    expect(hub.fetched()).not.toContain(SHARD);
    // The key alone is what a merge leaves behind.
    hub.put(model({}, { config: { quantization_config } }));
    await open().resolveSource('owner/tiny');
    expect(hub.fetched()).toContain(SHARD);
  });

  it('reports how far it is, up to all bytes', async () => {
    const folder = await open().resolveSource('owner/tiny');
    const progress = events.flatMap((event) => (event.kind === 'downloading' ? [event.progress] : []));
    const totalBytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(progress.at(-1)).toEqual({ repository: 'owner/tiny', doneBytes: totalBytes, totalBytes });
    for (const { doneBytes, totalBytes: total } of progress) expect(doneBytes).toBeLessThanOrEqual(total);
  });

  it('asks only for the commit when all is there, and fetches what a new commit changed', async () => {
    const first = await open().resolveSource('owner/tiny');
    hub.seen.splice(0);
    await expect(open().resolveSource('owner/tiny')).resolves.toBe(first);
    expect(hub.seen.map(({ path }) => path.split('?')[0])).toEqual(['/api/models/owner/tiny/revision/main']);

    const { files } = model();
    hub.put(model({ commit: NEXT_COMMIT, files: { ...files, 'tokenizer_config.json': '{"legacy":true}' } }));
    hub.seen.splice(0);
    const second = await open().resolveSource('owner/tiny');
    expect(second).not.toBe(first);
    expect(hub.fetched()).toEqual(['tokenizer_config.json']);
    expect(bytesOf(second, 'tokenizer_config.json').toString()).toBe('{"legacy":true}');
    expect(bytesOf(first, 'tokenizer_config.json').toString()).not.toBe('{"legacy":true}');
  });

  it('asks nobody about a commit that is there', async () => {
    await open().resolveSource(`owner/tiny@${COMMIT}`);
    hub.seen.splice(0);
    await open().resolveSource(`owner/tiny@${COMMIT}`);
    expect(hub.seen).toEqual([]);
  });

  it('takes another branch when it is named', async () => {
    hub.put(model({ revisions: ['refs/pr/1'] }));
    const folder = await open().resolveSource('owner/tiny@refs/pr/1');
    expect(folder.endsWith(COMMIT)).toBe(true);
    expect(hub.seen[0]?.path).toContain('/revision/refs%2Fpr%2F1');
  });

  it('fetches again what was removed from the cache', async () => {
    const folder = await open().resolveSource('owner/tiny');
    rmSync(join(folder, '..', '..', 'blobs'), { recursive: true });
    hub.seen.splice(0);
    await open().resolveSource('owner/tiny');
    expect(hub.fetched()).toContain(SHARD);
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
  });

  it('downloads once when two start together', async () => {
    const [one, other] = await Promise.all([
      open().resolveSource('owner/tiny'),
      open().resolveSource('owner/tiny'),
    ]);
    expect(one).toBe(other);
    const shardRequests = hub.seen.filter(({ path }) => path.includes(`/resolve/${COMMIT}/${SHARD}`));
    expect(shardRequests).toHaveLength(1);
  });
});

describe('a download that is interrupted', () => {
  it('goes on after a broken connection from the byte where it broke', async () => {
    hub.faults.push({ kind: 'cut', path: SHARD, afterBytes: 700 });
    const folder = await open().resolveSource('owner/tiny');
    const ranges = hub.seen.filter(({ server }) => server === 'content').map(({ range }) => range);
    expect(ranges).toContain('bytes=700-');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
    expect(pausesMs).toEqual([1000]);
    expect(warnings()[0]).toContain('Trying again in 1 s.');
  });

  it('goes on in the next process, too', async () => {
    hub.faults.push(
      ...Array.from({ length: 5 }, () => ({ kind: 'cut', path: SHARD, afterBytes: 0 }) as const),
    );
    hub.faults.unshift({ kind: 'cut', path: SHARD, afterBytes: 900 });
    const error = await failureOf(open().resolveSource('owner/tiny'));
    expect(error.code).toBe('hub.unreachable');
    expect(pausesMs).toEqual([1000, 2000, 4000, 8000]);
    hub.faults.splice(0);
    hub.seen.splice(0);
    const folder = await open().resolveSource('owner/tiny');
    expect(hub.seen.find(({ server }) => server === 'content')?.range).toBe('bytes=900-');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
    expect(blobs().filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('starts the file again when the server ignores the range', async () => {
    hub.faults.push({ kind: 'cut', path: SHARD, afterBytes: 700 }, { kind: 'ignore-range', path: SHARD });
    const folder = await open().resolveSource('owner/tiny');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
  });

  it('notices that nothing arrives any more', async () => {
    hub.faults.push({ kind: 'stall', path: SHARD, afterBytes: 300 });
    const waits = { delay: () => Promise.resolve(), nowMs: () => 0, stallMs: 100 };
    const folder = await open({ waits }).resolveSource('owner/tiny');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
    expect(warnings()[0]).toContain('Nothing has arrived for 0.1 s.');
  });

  it('repeats a broken listing', async () => {
    hub.faults.push(
      { kind: 'status', path: '/revision/main', status: 502 },
      { kind: 'status', path: `/tree/${COMMIT}`, status: 500 },
    );
    await open().resolveSource('owner/tiny');
    expect(pausesMs).toEqual([1000, 1000]);
  });

  it('can be cancelled, and keeps what has arrived', async () => {
    const controller = new AbortController();
    const onEvent = (event: HubEvent) => {
      if (event.kind === 'downloading' && event.progress.doneBytes > 1500) controller.abort();
    };
    const error = await failureOf(open({ signal: controller.signal, onEvent }).resolveSource('owner/tiny'));
    expect(error.code).toBe('checkpoint.cancelled');
    expect(blobs().length).toBeGreaterThan(0);
  });
});

describe('a busy hub', () => {
  it('is asked again after the time it names', async () => {
    hub.faults.push(
      { kind: 'status', path: SHARD, status: 429, headers: { 'retry-after': '17' } },
      { kind: 'status', path: SHARD, status: 503 },
    );
    await open().resolveSource('owner/tiny');
    expect(pausesMs).toEqual([17_000, 2000]);
    expect(warnings()[0]).toContain('Too many requests (429)');
  });
});

describe('contents', () => {
  it('are fetched once more when the hash is wrong', async () => {
    hub.faults.push({ kind: 'wrong-bytes', path: SHARD });
    const folder = await open().resolveSource('owner/tiny');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
    expect(warnings()[0]).toMatch(/SHA-256 is [0-9a-f]{64}, but the hub promises [0-9a-f]{64}/u);
  });

  it('are refused when the hash is wrong twice, large or small, and nothing of them is kept', async () => {
    for (const name of ['tokenizer_config.json', SHARD]) {
      hub.faults.push({ kind: 'wrong-bytes', path: name }, { kind: 'wrong-bytes', path: name });
      const error = await failureOf(open().resolveSource('owner/tiny'));
      expect(error.code).toBe('hub.corrupt');
      expect(error.message).toContain(name);
      const left = blobs().filter((blob) => blob.endsWith('.incomplete'));
      for (const blob of left)
        expect(statSync(join(repositoryPath, 'hub', 'models--owner--tiny', 'blobs', blob)).size).toBe(0);
    }
  });

  it('are refused when the hub promises one hash and sends another', async () => {
    const { files } = model();
    hub.faults.push({ kind: 'redirect', path: SHARD, to: `/owner/other/resolve/${COMMIT}/${SHARD}` });
    hub.put({
      ...model(),
      id: 'owner/other',
      files: { ...files, [SHARD]: Buffer.alloc(shardBytes().length) },
    });
    const error = await failureOf(open().resolveSource('owner/tiny'));
    expect(error.code).toBe('hub.corrupt');
    expect(error.message).toContain('The hub lists the SHA-256');
  });
});

describe('the access token', () => {
  it('opens a restricted model, and goes to the hub alone', async () => {
    hub.put(model({ token: TOKEN }));
    await open({ accessToken: TOKEN }).resolveSource('owner/tiny');
    const tokens = (server: string) =>
      new Set(hub.seen.filter((seen) => seen.server === server).map(({ token }) => token));
    expect(tokens('hub')).toEqual(new Set([TOKEN]));
    expect(tokens('content')).toEqual(new Set([undefined]));
  });

  it('is asked for when a model is restricted, and is never in a message', async () => {
    hub.put(model({ token: TOKEN }));
    const without = await failureOf(open().resolveSource('owner/tiny'));
    expect(without.code).toBe('hub.denied');
    expect(without.message).toContain(`Accept its conditions at ${hub.endpoint}/owner/tiny`);
    expect(without.message).toContain('TAKEOFF_ACCESS_TOKEN');
    const wrong = await failureOf(open({ accessToken: 'hf_othersecret' }).resolveSource('owner/tiny'));
    expect(wrong.message).toContain('the configured one has no access');
    const unsendable = await failureOf(open({ accessToken: 'hf_bad\nsecret' }).resolveSource('owner/tiny'));
    expect(unsendable.code).toBe('config.invalid');
    for (const { message, stack, cause } of [without, wrong, unsendable])
      expect(`${message} ${String(stack)} ${String(cause)}`).not.toContain('secret');
  });

  it('is in no warning about a broken connection', async () => {
    hub.put(model({ token: TOKEN }));
    hub.faults.push({ kind: 'cut', path: SHARD, afterBytes: 10 });
    await open({ accessToken: TOKEN }).resolveSource('owner/tiny');
    expect(warnings()).toHaveLength(1);
    expect(warnings().join()).not.toMatch(/secret|signature/u);
  });
});

describe('a hub that has no such model', () => {
  it('is told by its answer, with and without a token', async () => {
    const anonymous = await failureOf(open().resolveSource('owner/none'));
    expect(anonymous.code).toBe('hub.denied');
    expect(anonymous.message).toContain('there is no such model (check the spelling)');
    const known = await failureOf(open({ accessToken: TOKEN }).resolveSource('owner/none'));
    expect(known.code).toBe('hub.not_found');
    expect(known.message).toContain('There is no folder of this name here');
  });

  it('names a revision that does not exist', async () => {
    const error = await failureOf(open().resolveSource('owner/tiny@v9'));
    expect(error.code).toBe('hub.not_found');
    expect(error.message).toContain('no branch, tag or commit v9');
  });

  it('is told by an answer that is none', async () => {
    hub.faults.push({ kind: 'answer', path: '/revision/main', body: '<html>a portal</html>' });
    expect((await failureOf(open().resolveSource('owner/tiny'))).code).toBe('hub.refused');
    hub.faults.push({ kind: 'answer', path: '/revision/main', body: '{"sha":"../../etc"}' });
    expect((await failureOf(open().resolveSource('owner/tiny'))).message).toContain('sha');
  });
});

describe('a LoRA checkpoint on the hub', () => {
  it('is fetched without what else lies there, and its base by the name that the adapter gives', async () => {
    const lora = tinyLora({
      plainBase: true,
      model: {
        tower: 'clip-folder',
        config: { mm_vision_tower: 'openai/clip-vit-large-patch14-336', unfreeze_mm_vision_tower: false },
      },
      adapterConfig: { base_model_name_or_path: 'owner/vicuna' },
    });
    try {
      hub.put(
        model({ files: { ...filesIn(lora.folder), 'trainer_state.json': '{}', 'training_args.bin': 'x' } }),
      );
      hub.put({ ...model({ files: filesIn(lora.base) }), id: 'owner/vicuna', commit: NEXT_COMMIT });
      const folder = await open().resolveSource('owner/tiny');
      expect(readdirSync(folder).sort()).toEqual([
        'adapter_config.json',
        'adapter_model.safetensors',
        'config.json',
        'non_lora_trainables.bin',
      ]);
      const tower = join(lora.base, 'clip');
      const checkpoint = await describeCheckpoint(folder, {
        locateBase: open().locateBase,
        locateTower: () => Promise.resolve(tower),
      });
      await checkpoint.close();
      expect(checkpoint.description.architecture).toBe('LlavaLlamaForCausalLM');
      // A plain language model is no model to serve.
      const error = await failureOf(open().resolveSource('owner/vicuna'));
      expect(error.message).toContain('a plain language model');
    } finally {
      lora.remove();
    }
  });
});

describe('a repository that cannot be served', () => {
  it.each<[string, Partial<FakeRepository>, string]>([
    [
      'LoRA adapters',
      { files: { 'adapter_config.json': '{}', 'adapter_model.bin': 'x' } },
      'LoRA adapters only',
    ],
    ['GGUF files', { files: { 'README.md': '', 'llava-q4.gguf': 'x' } }, 'GGUF files'],
    ['no weights', { files: { 'config.json': '{}' } }, 'no weights'],
    [
      'another architecture',
      {
        files: {
          'config.json': '{"architectures":["LlavaQwenForCausalLM"]}',
          'model.safetensors': Buffer.alloc(9999),
        },
      },
      'LLaVA over Qwen',
    ],
  ])('is refused before its weights are fetched: %s', async (_, change, message) => {
    hub.put(model(change));
    const error = await failureOf(open().resolveSource('owner/tiny'));
    expect(error.code).toBe('checkpoint.unsupported');
    expect(error.message).toContain(message);
    expect(hub.fetched().filter((name) => name !== 'config.json')).toEqual([]);
  });

  it.each(['../../../etc/passwd', 'model-00009-of-00009.safetensors', 'sub/model.safetensors'])(
    'is refused when its index names %s',
    async (shard) => {
      const { files } = model();
      const index = JSON.stringify({ weight_map: { x: shard } });
      hub.put(model({ files: { ...files, 'model.safetensors.index.json': index } }));
      const error = await failureOf(open().resolveSource('owner/tiny'));
      expect(error.code).toBe('hub.refused');
      expect(error.message).toContain(JSON.stringify(shard));
    },
  );
});

describe('redirects', () => {
  it('are not followed without end', async () => {
    hub.faults.push(
      ...Array.from(
        { length: 9 },
        () => ({ kind: 'redirect', path: 'main', to: '/api/models/owner/tiny/revision/main' }) as const,
      ),
    );
    expect((await failureOf(open().resolveSource('owner/tiny'))).message).toContain('more than 5 redirects');
  });

  it.each(['file:///etc/passwd', 'data:text/plain,x', 'http://['])('are not followed to %s', async (to) => {
    hub.faults.push({ kind: 'redirect', path: 'main', to });
    expect((await failureOf(open().resolveSource('owner/tiny'))).message).toContain('not safe to follow');
  });
});

describe('the disk', () => {
  const failing = (failAfterBytes: number): Disk => ({
    ...REAL_DISK,
    openPart: async (path) => {
      const part = await REAL_DISK.openPart(path);
      const append = part.append.bind(part);
      part.append = (bytes) =>
        part.sizeBytes + bytes.length > failAfterBytes
          ? Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', errno: -28 }))
          : append(bytes);
      return part;
    },
  });

  it('may be full half way: the message says what to do, and the next start goes on', async () => {
    const error = await failureOf(open({ disk: failing(1000) }).resolveSource('owner/tiny'));
    expect(error.code).toBe('checkpoint.unreadable');
    expect(error.message).toContain('The disk is full');
    expect(error.message).toContain('TAKEOFF_REPOSITORY_PATH');
    expect(pausesMs).toEqual([]);
    const folder = await open().resolveSource('owner/tiny');
    expect(bytesOf(folder, SHARD).equals(shardBytes())).toBe(true);
  });

  it('is asked for its space before a download that cannot fit', async () => {
    const disk = { ...REAL_DISK, freeBytes: () => Promise.resolve(5000) };
    const error = await failureOf(open({ disk }).resolveSource('owner/tiny'));
    expect(error.message).toMatch(/needs 0\.\d+ GB more, but only 0\.00 GB are free/u);
    expect(hub.fetched()).not.toContain(SHARD);
  });

  it('may refuse to be written to', async () => {
    const file = join(repositoryPath, 'file');
    writeFileSync(file, '');
    const error = await failureOf(open({ repositoryPath: file }).resolveSource('owner/tiny'));
    expect(error.code).toBe('checkpoint.unreadable');
    expect(error.message).toContain('TAKEOFF_REPOSITORY_PATH');
  });
});

describe('offline', () => {
  it('serves what is cached without a connection', async () => {
    const online = await open().resolveSource('owner/tiny');
    hub.seen.splice(0);
    await expect(open({ isOffline: true }).resolveSource('owner/tiny')).resolves.toBe(online);
    expect(hub.seen).toEqual([]);
  });

  it('says that a model is not cached, or not completely', async () => {
    const error = await failureOf(open({ isOffline: true }).resolveSource('owner/tiny'));
    expect(error.code).toBe('hub.offline');
    expect(error.message).toContain('not in the model cache');
    expect(error.message).toContain('TAKEOFF_HUB_OFFLINE');
    expect(hub.seen).toEqual([]);
    const folder = await open().resolveSource('owner/tiny');
    rmSync(join(folder, SHARD));
    const half = await failureOf(open({ isOffline: true }).resolveSource('owner/tiny'));
    expect(half.message).toContain('not complete in the model cache');
  });

  it('serves the cached copy with a warning when the hub is down', async () => {
    const online = await open().resolveSource('owner/tiny');
    await hub.close();
    await expect(open().resolveSource('owner/tiny')).resolves.toBe(online);
    expect(pausesMs).toEqual([]);
    expect(warnings().join()).toContain('Serving the copy in the model cache');
  });

  it('names the hub and the settings when it is down and nothing is cached', async () => {
    await hub.close();
    const error = await failureOf(open().resolveSource('owner/tiny'));
    expect(error.code).toBe('hub.unreachable');
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).toContain('TAKEOFF_HUB_ENDPOINT');
    expect(pausesMs).toEqual([1000, 2000, 4000, 8000]);
  });
});

describe('the vision tower', () => {
  const TOWER = 'openai/clip-vit-large-patch14-336';

  /** The tower of the tiny checkpoint as a repository of its own. */
  function tower(): FakeRepository {
    const tiny = tinyCheckpoint({ tower: 'clip-folder' });
    const folder = join(tiny.folder, 'clip');
    const files = Object.fromEntries(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const),
    );
    tiny.remove();
    return { id: TOWER, commit: TOWER_COMMIT, files: { ...files, 'tf_model.h5': 'x', 'merges.txt': 'x' } };
  }
  const untrained = { mm_vision_tower: TOWER, unfreeze_mm_vision_tower: false };

  it('comes along when the checkpoint needs it', async () => {
    hub.put(model({}, { tower: 'clip-folder', config: untrained }));
    hub.put(tower());
    const opened = open();
    const folder = await opened.resolveSource('owner/tiny');
    hub.seen.splice(0);
    const checkpoint = await describeCheckpoint(folder, { locateTower: opened.locateTower });
    expect(hub.fetched()).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect(checkpoint.vision.tower.sidePx).toBe(28);
    expect(checkpoint.warnings).toEqual([]);
    await checkpoint.close();
  });

  it('is found by the last part of a path of another machine', async () => {
    hub.put(tower());
    const folder = await open().locateTower('clip-vit-large-patch14-336', 'weights');
    expect(folder).toContain('models--openai--clip-vit-large-patch14-336');
    await expect(open().locateTower('vision_tower', 'weights')).resolves.toBeUndefined();
  });

  it("stays where it is when it was trained along: of OpenAI's nothing is fetched, of others the settings", async () => {
    hub.put({ ...tower(), id: 'laion/CLIP-ViT' });
    await expect(open().locateTower(TOWER, 'settings')).resolves.toBeUndefined();
    expect(hub.seen).toEqual([]);
    await expect(open().locateTower('laion/CLIP-ViT', 'settings')).resolves.toBeDefined();
    expect(hub.fetched()).toEqual(['config.json']);
    await expect(open().locateTower('laion/CLIP-ViT', 'weights')).resolves.toBeDefined();
    expect(hub.fetched()).toContain(SHARD);
  });

  it('may be replaced by the copy inside the checkpoint, with the reason as a warning', async () => {
    hub.put(model({}, { tower: 'inside', config: untrained }));
    const opened = open();
    const folder = await opened.resolveSource('owner/tiny');
    const checkpoint = await describeCheckpoint(folder, { locateTower: opened.locateTower });
    expect(checkpoint.warnings[0]).toContain(`cannot be had. ${TOWER}`);
    await checkpoint.close();
  });

  it('is missed with the reason when there is no copy inside', async () => {
    hub.put(model({}, { tower: 'clip-folder', config: untrained }));
    const opened = open({ accessToken: TOKEN });
    const folder = await opened.resolveSource('owner/tiny');
    const error = await failureOf(describeCheckpoint(folder, { locateTower: opened.locateTower }));
    expect(error.code).toBe('hub.not_found');
    expect(error.message).toContain(TOWER);
  });
});
