import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HubError } from '../../errors.js';
import { TEXT_QUANTS } from '../../model/quantisation.js';
import { convertCheckpoint } from '../convert/convert-checkpoint.js';
import { floatCodec } from '../fixtures/float-codec.fixture.js';
import {
  tinyCheckpoint,
  writeJson,
  type TinyCheckpoint,
  type TinyOptions,
} from '../fixtures/tiny-checkpoint.fixture.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import { inspectSource } from './inspect-source.js';

const made: TinyCheckpoint[] = [];
afterEach(() => {
  for (const tiny of made.splice(0)) tiny.remove();
});

function tiny(options: TinyOptions = {}): TinyCheckpoint {
  const checkpoint = tinyCheckpoint(options);
  made.push(checkpoint);
  return checkpoint;
}

const SECOND_SHARD = 'model-00002-of-00002.safetensors';
const messages = (problems: readonly { readonly message: string }[]) =>
  problems.map(({ message }) => message);

describe('inspectSource', () => {
  it('says what a checkpoint is, and that it can be served', async () => {
    const { folder, tensors } = tiny();
    const inspection = await inspectSource(folder);
    expect(inspection.problems).toEqual([]);
    expect(inspection).toMatchObject({
      source: folder,
      layout: 'original',
      architecture: 'LlavaLlamaForCausalLM',
      text: { layers: 2, hiddenSize: 16, heads: 4, kvHeads: 2, vocabularyRows: 8 },
      contextTokens: 64,
      tensors: {
        count: tensors.length,
        bytes: tensors.reduce((sum, { values }) => sum + 2 * values.length, 0),
        types: { F16: tensors.length },
        files: ['model-00001-of-00002.safetensors', SECOND_SHARD],
      },
      tower: { name: 'clip', from: 'inside', sidePx: 28, patchPx: 14, layers: 3, layersUsed: 2 },
      images: { aspect: 'pad', mergeType: 'flat', projector: 'mlp2x_gelu', gridPinpoints: [] },
      tokenizer: { kind: 'sentencepiece', legacy: false, tokens: 8, endIds: [2] },
      template: { name: 'llava_v1' },
    });
  });

  it.each<[string, TinyOptions]>([
    ['the names of transformers 4', { layout: 'hub4' }],
    ['the names of transformers 5', { layout: 'hub5' }],
    ['PyTorch files', { format: 'torch' }],
    ['a tower in a folder of its own', { tower: 'clip-folder' }],
    ['a linear projector', { projectorLayers: 1, config: { mm_projector_type: 'linear' } }],
  ])('finds nothing wrong with %s', async (_, options) => {
    const inspection = await inspectSource(tiny(options).folder);
    expect(inspection.problems).toEqual([]);
    expect(inspection.memory).not.toEqual([]);
  });

  it('says where the tower comes from', async () => {
    const { folder } = tiny({ tower: 'clip-folder' });
    expect((await inspectSource(folder)).tower?.from).toBe(join(folder, 'clip'));
  });

  it('adds up what each type needs, and marks the one that auto takes', async () => {
    const { memory } = await inspectSource(tiny().folder);
    expect(memory.map(({ type }) => type)).toEqual(TEXT_QUANTS);
    expect(memory.filter(({ isAuto }) => isAuto).map(({ type }) => type)).toEqual(['f16']);
    for (const need of memory)
      expect(need.totalBytes).toBe(need.weightBytes + need.towerBytes + need.kvCacheBytes);
    const [exact, half] = memory;
    // 256 cells, keys and values, 2 layers, 2 heads of 4 elements.
    expect(half?.kvCacheBytes).toBe(256 * 2 * 2 * 2 * 4 * 2);
    expect(exact?.kvCacheBytes).toBe(2 * (half?.kvCacheBytes ?? 0));
    expect(exact?.weightBytes).toBeGreaterThan(half?.weightBytes ?? Infinity);
  });

  it('looks at a single file of weights as at shards', async () => {
    const { folder } = tiny();
    const { source } = await inspectSource(folder);
    rmSync(join(folder, 'model.safetensors.index.json'));
    copyFileSync(join(folder, SECOND_SHARD), join(folder, 'model.safetensors'));
    const { problems, tensors } = await inspectSource(source);
    expect(tensors?.files).toEqual(['model.safetensors']);
    expect(messages(problems).join()).toContain('tensors are missing: model.embed_tokens.weight');
  });
});

describe('problems of a checkpoint', () => {
  it('are all found in one look', async () => {
    const { folder } = tiny({
      config: { mm_patch_merge_type: 'maxpool2x2', rope_scaling: { type: 'longrope' } },
    });
    rmSync(join(folder, 'tokenizer.model'));
    rmSync(join(folder, SECOND_SHARD));
    const { problems, memory, architecture, tensors } = await inspectSource(folder);
    const found = messages(problems);
    expect(found).toHaveLength(4);
    expect(found[0]).toContain(`${SECOND_SHARD}: There is no such file`);
    expect(found[1]).toContain('"longrope"');
    expect(found[2]).toContain('mm_patch_merge_type is maxpool2x2');
    expect(found[3]).toContain('There is no tokenizer');
    expect(memory).toEqual([]);
    expect(architecture).toBe('LlavaLlamaForCausalLM');
    expect(tensors?.count).toBeGreaterThan(0);
  });

  it('do not name tensors of a shard that is missing one by one', async () => {
    const { folder } = tiny();
    rmSync(join(folder, SECOND_SHARD));
    const { problems } = await inspectSource(folder);
    expect(messages(problems)).toHaveLength(1);
  });

  it('name a broken shard beside what the others lack', async () => {
    const { folder } = tiny();
    truncateSync(join(folder, SECOND_SHARD), 20);
    const { problems } = await inspectSource(folder);
    expect(problems.map(({ code }) => code)).toEqual(['checkpoint.malformed']);
    expect(problems[0]?.message).toContain(SECOND_SHARD);
  });

  it('name tensors that the index promises and no shard has', async () => {
    const { folder } = tiny();
    const path = join(folder, 'model.safetensors.index.json');
    const index = JSON.parse(readFileSync(path, 'utf8')) as { weight_map: Record<string, string> };
    index.weight_map['model.extra.weight'] = SECOND_SHARD;
    writeFileSync(path, JSON.stringify(index));
    const { problems } = await inspectSource(folder);
    expect(messages(problems)[0]).toContain('promises: model.extra.weight');
  });

  it('name missing, misshapen and unknown tensors together', async () => {
    const { folder } = tiny({ config: { num_hidden_layers: 3, mm_patch_merge_type: 'spatial_unpad' } });
    const deeper = await inspectSource(folder);
    expect(messages(deeper.problems)[0]).toMatch(/9 of 30 tensors are missing: model\.layers\.2\./u);
    expect(messages(deeper.problems)[1]).toContain('newline');
    const narrow = await inspectSource(tiny({ config: { intermediate_size: 20 } }).folder);
    expect(narrow.problems).toHaveLength(6);
    expect(messages(narrow.problems)[0]).toContain('has shape [24, 16]; the configuration asks for [20, 16]');
    expect(messages(narrow.problems)[5]).toBe(
      '1 more tensors are wrong: model.layers.1.mlp.down_proj.weight.',
    );
    const shallow = await inspectSource(tiny({ config: { num_hidden_layers: 1 } }).folder);
    expect(messages(shallow.problems)).toHaveLength(1);
    expect(messages(shallow.problems)[0]).toContain('9 tensors are unknown');
  });

  it('say that the tower is nowhere, or why its repository cannot be had', async () => {
    const { folder } = tiny({ tower: 'clip-folder', config: { mm_vision_tower: 'openai/clip-none' } });
    const { problems, tower } = await inspectSource(folder);
    expect(messages(problems)[0]).toContain('The vision tower openai/clip-none is needed and not at hand');
    expect(tower).toBeNull();
    const locateTower = () => Promise.reject(new HubError('hub.denied', 'The hub says no.'));
    const denied = await inspectSource(folder, { locateTower });
    expect(denied.problems).toEqual([{ code: 'hub.denied', message: 'The hub says no.' }]);
  });

  it.each<[string, (folder: string) => void, string]>([
    ['no config.json', (folder) => rmSync(join(folder, 'config.json')), 'There is no config.json'],
    [
      'a config.json that is no JSON',
      (folder) => writeFileSync(join(folder, 'config.json'), '{'),
      'not valid JSON',
    ],
    [
      'another architecture',
      (folder) => writeJson(folder, 'config.json', { architectures: ['LlavaQwenForCausalLM'] }),
      'LLaVA over Qwen',
    ],
    [
      'a broken tokenizer',
      (folder) => writeFileSync(join(folder, 'tokenizer.model'), 'x'),
      'tokenizer.model',
    ],
  ])('include %s', async (_, spoil, message) => {
    const { folder } = tiny();
    spoil(folder);
    const { problems } = await inspectSource(folder);
    expect(messages(problems)).toHaveLength(1);
    expect(messages(problems)[0]).toContain(message);
  });

  it('include weights that are quantised already, as one problem with the method', async () => {
    const { folder } = tiny({
      config: { quantization_config: { quant_method: 'awq' } },
      change: (stored) =>
        stored.map((tensor) => ({ ...tensor, name: tensor.name.replace(/(q_proj)\.weight$/, '$1.qweight') })),
    });
    const { problems } = await inspectSource(folder);
    expect(messages(problems)).toEqual([expect.stringContaining('already quantised (awq)')]);
  });

  it('include anyres without its grids', async () => {
    const { folder } = tiny({ config: { image_aspect_ratio: 'anyres' } });
    const { problems } = await inspectSource(folder);
    expect(messages(problems)).toEqual([expect.stringContaining('image_grid_pinpoints is missing')]);
  });

  it('include a path where nothing is, and folders that hold something else', async () => {
    expect((await inspectSource('/no/such/model')).problems[0]?.code).toBe('checkpoint.missing');
    const { folder } = tiny();
    for (const name of ['model.safetensors.index.json', 'model-00001-of-00002.safetensors', SECOND_SHARD])
      rmSync(join(folder, name));
    expect(messages((await inspectSource(folder)).problems)[0]).toContain('There are no weights');
    writeJson(folder, 'adapter_config.json', {});
    expect(messages((await inspectSource(folder)).problems)).toEqual([
      expect.stringContaining('a part of LoRA adapters'),
    ]);
  });
});

describe('a GGUF pair', () => {
  it('says of itself what the checkpoint said of it', async () => {
    const source = tiny();
    const target = tiny().folder;
    const before = await inspectSource(source.folder);
    const checkpoint = await describeCheckpoint(source.folder);
    const { modelPath, projectorPath } = await convertCheckpoint({
      checkpoint,
      outDir: target,
      textType: 'f16',
      towerType: 'f32',
      codec: floatCodec,
    });
    await checkpoint.close();
    const after = await inspectSource(modelPath);
    const parts = ['architecture', 'text', 'contextTokens', 'images', 'tokenizer'] as const;
    for (const part of parts) expect(after[part]).toEqual(before[part]);
    expect(after.template).toEqual(before.template);
    expect(after.tower).toMatchObject({ from: projectorPath, sidePx: 28, layersUsed: 2 });
    const half = before.memory.find(({ type }) => type === 'f16');
    expect(after.memory).toMatchObject([
      { type: 'as stored', weightBytes: half?.weightBytes, kvCacheBytes: half?.kvCacheBytes },
    ]);
    expect(after.problems).toEqual([]);
    rmSync(projectorPath);
    const textOnly = await inspectSource(modelPath);
    expect(textOnly.tower).toBeNull();
    expect(textOnly.warnings.join()).toContain('without images');
  });

  it('that is broken is reported, not thrown', async () => {
    const { folder } = tiny();
    const path = join(folder, 'model.gguf');
    writeFileSync(path, 'GGUF');
    const { problems, layout } = await inspectSource(path);
    expect(layout).toBe('gguf pair');
    expect(problems.map(({ code }) => code)).toEqual(['checkpoint.malformed']);
  });
});
