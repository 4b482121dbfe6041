import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../fixtures/safetensors-writer.fixture.js';
import {
  tinyCheckpoint,
  writeJson,
  type TinyCheckpoint,
  type TinyOptions,
} from '../fixtures/tiny-checkpoint.fixture.js';
import type { Checkpoint } from './checkpoint.js';
import { describeCheckpoint } from './describe-checkpoint.js';
import type { ReadOptions } from './read-checkpoint.js';

const repository = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const made: TinyCheckpoint[] = [];
const make = (options: TinyOptions = {}) => {
  const checkpoint = tinyCheckpoint(options);
  made.push(checkpoint);
  return checkpoint;
};
afterEach(() => {
  for (const checkpoint of made.splice(0)) checkpoint.remove();
});

async function inspect<T>(
  folder: string,
  look: (checkpoint: Checkpoint) => T,
  options?: ReadOptions,
): Promise<T> {
  const checkpoint = await describeCheckpoint(folder, options);
  try {
    return look(checkpoint);
  } finally {
    await checkpoint.close();
  }
}
/** A tower that is inside needs no repository, so there is nothing to warn of. */
const TRAINED = { unfreeze_mm_vision_tower: true };
const failure = (options: TinyOptions) => describeCheckpoint(make(options).folder);

describe('describeCheckpoint', () => {
  it('describes the demo model, template and added tokens included', async () => {
    const { description, text, vision, warnings } = await inspect(
      repository('models/demo/checkpoint'),
      (c) => c,
    );
    expect(description).toMatchObject({
      architecture: 'LlavaLlamaForCausalLM',
      contextTokens: 2048,
      template: 'vicuna_v1',
      tokenizer: { legacy: false, bosId: 1, eosIds: [2], tokenCount: 1024 },
      vision: { sidePx: 112, patchPx: 14, aspect: 'pad', mergeType: 'flat' },
    });
    expect([text.kvHeadCount, vision.layersToRun, vision.projectorLayers, warnings]).toEqual([2, 5, 2, []]);
  });

  it.each([
    ['v15-llama-pad', 'llava_v1', 'pad', 4096, 1000],
    ['v16-llama-anyres', 'llava_v1', 'anyres', 4096, 1000],
    ['v16-mistral-anyres', 'mistral_instruct', 'anyres', 4096, 1000],
    ['square-linear-224', 'llava_v1', 'square', 2048, 1003],
  ])('describes the golden %s', async (name, template, aspect, contextTokens, tokenCount) => {
    const folder = repository(`test/goldens/${name}/checkpoint`);
    const { description } = await inspect(folder, (c) => c);
    expect(description).toMatchObject({
      template,
      contextTokens,
      tokenizer: { tokenCount },
      vision: { aspect },
    });
  });

  it('finds the same weights in every layout and file format', async () => {
    const look = (c: Checkpoint) =>
      [...c.textTensors, ...c.vision.tensors].map(
        ({ ggufName, dimensions }) => `${ggufName} ${dimensions.join()}`,
      );
    const wanted = await inspect(make().folder, look);
    expect(wanted).toHaveLength(1 + 2 * 9 + 2 + (5 + 2 * 16) + 4);
    for (const layout of ['original', 'hub4', 'hub5'] as const)
      for (const format of ['safetensors', 'torch'] as const)
        expect(await inspect(make({ layout, format }).folder, look)).toEqual(wanted);
  });

  it('keeps as many layers as the selected one needs', async () => {
    const layers = async (mm_vision_select_layer: number) =>
      inspect(make({ config: { mm_vision_select_layer } }).folder, (c) => c.vision.layersToRun);
    expect([
      await layers(-2),
      await layers(-1),
      await layers(0),
      await layers(1),
      await layers(3),
      await layers(-4),
    ]).toEqual([2, 3, 0, 1, 3, 0]);
    await expect(failure({ config: { mm_vision_select_layer: 4 } })).rejects.toThrow('tower of 3 layers');
    await expect(failure({ config: { mm_vision_select_layer: -5 } })).rejects.toThrow('tower of 3 layers');
  });

  it('takes the newline vector only where the merge type asks for it', async () => {
    const names = (mm_patch_merge_type: string, newline: boolean) =>
      inspect(make({ newline, config: { mm_patch_merge_type } }).folder, (c) =>
        c.vision.tensors.some(({ ggufName }) => ggufName === 'v.image_newline'),
      );
    expect(await names('spatial_unpad', true)).toBe(true);
    expect(await names('flat', true)).toBe(false);
    await expect(names('spatial_unpad', false)).rejects.toThrow('newline');
  });

  it('lists what is missing and what nobody knows', async () => {
    const { folder, tensors } = make();
    unlinkSync(join(folder, 'model.safetensors.index.json'));
    const write = (list: typeof tensors) =>
      writeFileSync(join(folder, 'model.safetensors'), safetensorsBytes(list));
    const named = tensors.map((tensor) => ({
      ...tensor,
      name: tensor.name
        .replace(/^tower\./, 'model.vision_tower.vision_tower.vision_model.')
        .replace(/^projector\./, 'model.mm_projector.'),
    }));
    write(named.filter(({ name }) => !name.includes('layers.1.mlp.up') && !name.includes('norm.weight')));
    await expect(describeCheckpoint(folder)).rejects.toMatchObject({
      code: 'checkpoint.incomplete',
      message: expect.stringContaining('model.layers.1.mlp.up_proj.weight') as unknown,
    });
    write([...named, { ...named[0]!, name: 'model.layers.0.surprise' }]);
    await expect(describeCheckpoint(folder)).rejects.toThrow(
      '1 tensors are unknown: model.layers.0.surprise',
    );
  });

  it('refuses tensors of another shape than the configuration says, and names both', async () => {
    await expect(failure({ config: { intermediate_size: 32 } })).rejects.toThrow(
      'shape [24, 16]; the configuration asks for [32, 16]',
    );
  });

  it.each(['bitsandbytes', 'gptq', null])(
    'passes over a quantization_config (%s) that a merge left beside float weights, with its line',
    async (quant_method) => {
      const config = { ...TRAINED, quantization_config: { quant_method, load_in_4bit: true } };
      const warnings = await inspect(make({ config }).folder, (c) => c.warnings);
      expect(warnings).toEqual([
        expect.stringMatching(
          /^config\.json: quantization_config \(line 1\) names .+ all weights are floats/u,
        ),
      ]);
      const inner = make({ layout: 'hub4', textConfig: config });
      expect((await inspect(inner.folder, (c) => c.warnings))[0]).toContain(
        'text_config.quantization_config',
      );
    },
  );

  it.each([
    'q_proj.qweight',
    'q_proj.SCB',
    'q_proj.weight.absmax',
    'q_proj.weight.quant_state.bitsandbytes__nf4',
  ])('refuses weights that are quantised, by the tensor %s, whatever config.json says', async (name) => {
    const change: TinyOptions['change'] = (stored) => [
      ...stored,
      { ...stored[0]!, name: `model.layers.0.self_attn.${name}` },
    ];
    await expect(failure({ change })).rejects.toThrow('already quantised');
  });

  it('reads what Python writes into config.json, and says where', async () => {
    const { folder } = make();
    const path = join(folder, 'config.json');
    const config = readFileSync(path, 'utf8').slice(0, -1);
    writeFileSync(path, `${config},\n"mm_projector_lr": NaN, "tokenizer_model_max_length": Infinity,\n}`);
    const { warnings, description } = await inspect(folder, (c) => c);
    expect(description.contextTokens).toBe(64);
    expect(warnings[0]).toContain('config.json: mm_projector_lr (line 2) is NaN');
    expect(warnings[2]).toContain('config.json: The top level (line 3) ends with a comma');
    writeFileSync(path, `${config},\n"rms_norm_eps": NaN}`);
    await expect(describeCheckpoint(folder)).rejects.toThrow('config.json: rms_norm_eps (line 2)');
  });

  it('reads such JSON in the preprocessor of the tower and in the index of the weights, and says where', async () => {
    const { folder } = make({ config: TRAINED });
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, `${readFileSync(index, 'utf8').trimEnd().slice(0, -1)},\n}`);
    writeFileSync(join(folder, 'preprocessor_config.json'), '{\n"rescale_factor": NaN}');
    const warnings = await inspect(folder, (c) => c.warnings);
    expect(warnings.map((warning) => /^\S+json: [^)]*\)/u.exec(warning)?.[0])).toEqual([
      expect.stringContaining('model.safetensors.index.json: The top level (line'),
      'preprocessor_config.json: rescale_factor (line 2)',
    ]);
  });

  it('passes over ids below 0 in config.json, and says where', async () => {
    const { tokenizer, warnings } = await inspect(
      make({ config: { ...TRAINED, eos_token_id: [-1, 5], bos_token_id: -1 } }).folder,
      (c) => c,
    );
    expect([tokenizer.settings.eosIds, tokenizer.settings.bosId]).toEqual([[2, 5], 1]);
    expect(warnings).toEqual([
      'config.json: bos_token_id (line 1) is -1, which names no token; it is passed over.',
      'config.json: eos_token_id (line 1) is -1, which names no token; it is passed over.',
    ]);
  });

  it.each(['dynamic', 'yarn'])(
    'serves %s RoPE scaling within max_position_embeddings, and says so with line and key',
    async (type) => {
      const scaled = { rope_scaling: { type, factor: 2 } };
      const flat = await inspect(make({ config: { ...TRAINED, ...scaled } }).folder, (c) => c);
      expect(flat.description.contextTokens).toBe(64);
      expect(flat.warnings).toEqual([
        expect.stringContaining(`config.json: rope_scaling (line 1) is of type ${type}: the model is served`),
      ]);
      const nested = make({ layout: 'hub4', textConfig: scaled });
      expect((await inspect(nested.folder, (c) => c.warnings))[0]).toContain(
        'config.json: text_config.rope_scaling (line 1)',
      );
    },
  );

  it.each(['base_model.model.', 'module.', '_orig_mod.', 'module._orig_mod.base_model.model.'])(
    'loads tensors whose names begin with %s, with a warning',
    async (prefix) => {
      const change: TinyOptions['change'] = (stored) =>
        stored.map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
      const look = (c: Checkpoint) => ({
        names: [...c.textTensors, ...c.vision.tensors].map(({ ggufName }) => ggufName),
        warnings: c.warnings,
      });
      const plain = await inspect(make({ config: TRAINED }).folder, look);
      const wrapped = await inspect(make({ config: TRAINED, change }).folder, look);
      expect(wrapped.names).toEqual(plain.names);
      expect(wrapped.warnings).toEqual([
        expect.stringContaining(`${prefix}model.embed_tokens.weight is read as model.embed_tokens.weight`),
      ]);
    },
  );

  it('refuses one weight under two names, one of them wrapped', async () => {
    const change: TinyOptions['change'] = (stored) => [
      ...stored,
      { ...stored[0]!, name: `module.${stored[0]!.name}` },
    ];
    await expect(failure({ change })).rejects.toThrow('are the same weight');
  });

  it('names ZeRO-3 where weights were saved as empty partitions, and how to gather them', async () => {
    const emptied =
      (which: RegExp): NonNullable<TinyOptions['change']> =>
      (stored) =>
        stored.map((tensor) =>
          which.test(tensor.name) ? { ...tensor, shape: [0], values: new Float32Array() } : tensor,
        );
    for (const format of ['safetensors', 'torch'] as const)
      await expect(failure({ format, change: emptied(/mm_projector/) })).rejects.toMatchObject({
        code: 'checkpoint.incomplete',
        message: expect.stringMatching(
          /4 of 4 tensors are empty \(model\.mm_projector\.0\.weight.+ZeRO-3.+zero_to_fp32\.py/u,
        ) as unknown,
      });
    await expect(failure({ change: emptied(/./) })).rejects.toThrow('saved by DeepSpeed ZeRO-3');
    const unused = make({ tower: 'both', change: emptied(/vision_tower/) });
    expect(await inspect(unused.folder, (c) => c.warnings)).toEqual([]);
  });

  it.each([
    ['model.layers.0.self_attn.q_proj.lora_A.default.weight', 'merge_and_unload'],
    ['base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight', 'merge_and_unload'],
    ['model.mm_projector.modules_to_save.default.0.weight', 'merge_and_unload'],
    ['multi_modal_projector.projector_layernorm.weight', 'VipLlavaForConditionalGeneration'],
    ['model.mm_projector.clip_layernorm.weight', 'llava-v1.5-7b'],
  ])('says of a tensor %s what the weights are', async (name, remedy) => {
    const change: TinyOptions['change'] = (stored) => [...stored, { ...stored[0]!, name }];
    await expect(failure({ change })).rejects.toThrow(name);
    await expect(failure({ change })).rejects.toThrow(remedy);
  });

  it.each(['model-00002-of-00002.safetensors', 'tokenizer.model', 'config.json'])(
    'knows a Git LFS pointer in place of %s',
    async (name) => {
      const { folder } = make();
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 4943162240\n`;
      writeFileSync(join(folder, name), pointer);
      await expect(describeCheckpoint(folder)).rejects.toMatchObject({
        code: 'checkpoint.incomplete',
        message: `${join(folder, name)}: This is a Git LFS pointer, not the file of 4943162240 bytes that it stands for. Run git lfs pull in its folder, or download the file itself.`,
      });
    },
  );

  it('names the fused projections of Phi-3 instead of what is missing', async () => {
    const change: TinyOptions['change'] = (stored) =>
      stored.flatMap((tensor) =>
        tensor.name.endsWith('q_proj.weight') && tensor.name.startsWith('model.layers')
          ? [{ ...tensor, name: tensor.name.replace('q_proj', 'qkv_proj') }]
          : /[kv]_proj\.weight$/.test(tensor.name) && tensor.name.startsWith('model.layers')
            ? []
            : [tensor],
      );
    await expect(failure({ change })).rejects.toThrow('model.layers.0.self_attn.qkv_proj.weight');
    await expect(failure({ change })).rejects.toThrow('fused projections of Phi-3');
  });

  it('takes the rows of the embedding for the vocabulary, whatever the configuration says', async () => {
    const { folder } = make({ rows: 11, config: { vocab_size: 99 } });
    const { tokenizer } = await inspect(folder, (c) => c);
    expect(tokenizer.vocabulary.tokens.slice(7)).toEqual(['▁p7', '[PAD8]', '[PAD9]', '[PAD10]']);
    expect(tokenizer.settings.tokenCount).toBe(8);
  });

  it('refuses element types that are no weights, and names the tensor', async () => {
    const { folder } = make();
    const path = join(folder, 'model-00002-of-00002.safetensors');
    writeFileSync(path, readFileSync(path, 'latin1').replace('"dtype":"F16"', '"dtype":"I16"'), 'latin1');
    await expect(describeCheckpoint(folder)).rejects.toThrow(
      /stored as I16; weights must be F32, F16 or BF16/,
    );
  });

  it('leaves out an output layer that is tied to the embedding', async () => {
    const { folder } = make({ config: { tie_word_embeddings: true } });
    const names = await inspect(folder, (c) => c.textTensors.map(({ ggufName }) => ggufName));
    expect(names).not.toContain('output.weight');
  });

  it('closes in on the context by configuration and tokenizer limit', async () => {
    const tokens = (config: object) =>
      inspect(make({ config: { ...config } }).folder, (c) => c.description.contextTokens);
    expect(await tokens({})).toBe(64);
    expect(await tokens({ tokenizer_model_max_length: 40 })).toBe(40);
    expect(await tokens({ tokenizer_model_max_length: 1e30 })).toBe(64);
  });

  it('refuses anyres without pinpoints and an identity that does not fit', async () => {
    await expect(failure({ config: { image_aspect_ratio: 'anyres' } })).rejects.toThrow(
      'image_grid_pinpoints is missing',
    );
    await expect(failure({ config: { mm_projector_type: 'identity' } })).rejects.toThrow('identity');
  });

  it('says what a folder is that holds no complete model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'takeoff-empty-'));
    await expect(describeCheckpoint(folder)).rejects.toThrow('no config.json');
    writeJson(folder, 'adapter_config.json', {});
    await expect(describeCheckpoint(folder)).rejects.toThrow('LoRA');
    rmSync(folder, { recursive: true });
    await expect(describeCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint.missing' });
  });

  it('refuses an index that names files elsewhere, and shards without an index', async () => {
    const { folder } = make();
    writeJson(folder, 'model.safetensors.index.json', { weight_map: { a: '../../etc/passwd' } });
    await expect(describeCheckpoint(folder)).rejects.toThrow('only plain file names');
    unlinkSync(join(folder, 'model.safetensors.index.json'));
    await expect(describeCheckpoint(folder)).rejects.toThrow('no index');
    symlinkSync('/etc/hostname', join(folder, 'model.safetensors'));
    await expect(describeCheckpoint(folder)).rejects.toThrow('leads out');
  });

  it('never opens files that are no weights', async () => {
    const { folder } = make();
    writeFileSync(join(folder, 'training_args.bin'), 'not a pickle');
    writeFileSync(join(folder, 'mm_projector.bin'), 'not a pickle either');
    const files = await inspect(folder, (c) => c.sourceFiles);
    expect(files.filter((file) => /training_args|mm_projector/.test(file))).toEqual([]);
  });
});

describe('the vision tower', () => {
  const bias = (c: Checkpoint) => {
    const { source } = c.vision.tensors.find(({ ggufName }) => ggufName === 'v.pre_ln.bias')!;
    return source.file;
  };

  it('comes from its own repository when it was not trained along, in either spelling', async () => {
    for (const tower of ['clip-folder', 'clip-folder-flat'] as const) {
      const look = await inspect(make({ tower }).folder, (c) => ({
        files: c.sourceFiles,
        warnings: c.warnings,
      }));
      expect(look.files.filter((file) => file.includes('clip/'))).toHaveLength(4);
      expect(look.warnings).toEqual([]);
    }
  });

  it('comes from the checkpoint when it was trained along, even beside a repository', async () => {
    const { folder } = make({ tower: 'both', config: { unfreeze_mm_vision_tower: true } });
    const inside = await inspect(folder, (c) =>
      c.sourceFiles.filter((file) => file.endsWith('.safetensors')),
    );
    expect(inside.every((file) => !file.includes('clip/'))).toBe(true);
    const untrained = make({ tower: 'both' });
    const outside = await inspect(untrained.folder, (c) =>
      c.sourceFiles.filter((file) => file.endsWith('.safetensors')),
    );
    expect(outside.some((file) => file.includes('clip/'))).toBe(true);
  });

  it('comes from the checkpoint with a warning when its repository is not at hand', async () => {
    const { folder } = make({ config: { mm_vision_tower: 'openai/clip-vit-large-patch14-336' } });
    const warnings = await inspect(folder, (c) => c.warnings);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('openai/clip-vit-large-patch14-336');
  });

  it('is asked for by name at the locator', async () => {
    const clip = make({ tower: 'clip-folder' });
    const { folder } = make({ tower: 'clip-folder', config: { mm_vision_tower: 'openai/tiny-clip' } });
    const asked: string[] = [];
    const locateTower = (id: string) => {
      asked.push(id);
      return Promise.resolve(join(clip.folder, 'clip'));
    };
    expect(await inspect(folder, bias, { locateTower })).toMatch(/^model-0000/);
    expect(asked).toEqual(['openai/tiny-clip']);
  });

  it('is missing with the name of what to fetch', async () => {
    await expect(
      failure({ tower: 'clip-folder', config: { mm_vision_tower: 'openai/gone' } }),
    ).rejects.toMatchObject({
      code: 'checkpoint.incomplete',
      message: expect.stringContaining('openai/gone') as unknown,
    });
    await expect(
      failure({ tower: 'clip-folder', config: { unfreeze_mm_vision_tower: true } }),
    ).rejects.toThrow('trained with this model');
  });

  it('lies in a folder of the checkpoint, however its path is written', async () => {
    for (const mm_vision_tower of ['./clip', 'clip/', './clip/', '.\\clip\\'])
      expect(await inspect(make({ tower: 'clip-folder', config: { mm_vision_tower } }).folder, bias)).toMatch(
        /^model-0000/,
      );
    const { folder } = make({ tower: 'clip-folder', config: { mm_vision_tower: './towers/own clip' } });
    mkdirSync(join(folder, 'towers'));
    renameSync(join(folder, 'clip'), join(folder, 'towers', 'own clip'));
    expect(await inspect(folder, bias)).toMatch(/^model-0000/);
  });

  it('may not be named by a path that leaves the folder', async () => {
    for (const mm_vision_tower of ['../clip', 'clip/../../clip', '..\\clip', './../clip'])
      await expect(failure({ config: { mm_vision_tower } })).rejects.toThrow('must stay inside');
  });

  it('may not be a link that leads out of the folder, at any depth', async () => {
    const elsewhere = make({ tower: 'clip-folder' });
    for (const mm_vision_tower of ['tower', 'towers/tower']) {
      const { folder } = make({ tower: 'clip-folder', config: { mm_vision_tower } });
      mkdirSync(join(folder, 'towers'));
      symlinkSync(join(elsewhere.folder, 'clip'), join(folder, mm_vision_tower));
      await expect(describeCheckpoint(folder)).rejects.toThrow('leads out of the folder');
    }
  });

  it('needs no path when it is inside and was trained', async () => {
    const paths = ['../clip', '../clip-vit-large-patch14-336', '/gone/clip', 'D:\\clip', './gone', ''];
    for (const mm_vision_tower of paths) {
      const config = { mm_vision_tower, unfreeze_mm_vision_tower: true };
      expect(await inspect(make({ config }).folder, (c) => c.warnings)).toEqual([]);
    }
    const config = { mm_vision_tower: '../clip', unfreeze_mm_vision_tower: true };
    await expect(failure({ tower: 'clip-folder', config })).rejects.toThrow('must stay inside');
  });

  it.each([
    `/home/x/.cache/huggingface/hub/models--openai--clip-vit-large-patch14-336/snapshots/${'c0'.repeat(20)}`,
    'C:\\models\\clip-vit-large-patch14-336',
    '../clip-vit-large-patch14-336/',
  ])('is asked for at the hub by the name that the path %s has', async (mm_vision_tower) => {
    const clip = make({ tower: 'clip-folder' });
    const { folder } = make({ tower: 'clip-folder', config: { mm_vision_tower } });
    const asked: string[] = [];
    const locateTower = (id: string) => {
      asked.push(id);
      return Promise.resolve(join(clip.folder, 'clip'));
    };
    await inspect(folder, bias, { locateTower });
    expect(asked).toEqual(['openai/clip-vit-large-patch14-336']);
    await expect(describeCheckpoint(folder)).rejects.toThrow(
      'The vision tower openai/clip-vit-large-patch14-336 is needed',
    );
  });

  it('is understood from its tensors where no configuration describes it', async () => {
    const { folder } = make({ config: { mm_vision_tower: 'openai/x', unfreeze_mm_vision_tower: true } });
    expect(await inspect(folder, (c) => c.vision.tower)).toEqual({
      hiddenSize: 64,
      feedForwardSize: 96,
      layerCount: 3,
      headCount: 1,
      epsilon: 1e-5,
      activation: 'quick_gelu',
      sidePx: 28,
      patchPx: 14,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    });
  });

  it('is refused when it is no CLIP', async () => {
    const checkpoint = make({ tower: 'clip-folder' });
    writeJson(checkpoint.folder, 'clip/config.json', { model_type: 'siglip_vision_model' });
    await expect(describeCheckpoint(checkpoint.folder)).rejects.toThrow('siglip_vision_model');
    writeJson(checkpoint.folder, 'clip/config.json', { vision_config: { hidden_act: 'gelu_new' } });
    await expect(describeCheckpoint(checkpoint.folder)).rejects.toThrow('gelu_new');
  });

  it('takes over a chat template beside the configuration, and names its file among those that were read', async () => {
    const { folder } = make({ tokenizerConfig: { chat_template: "{{ '[INST]' }}" } });
    const read = () =>
      inspect(folder, ({ description, ownTemplate, sourceFiles }) => ({
        description,
        ownTemplate,
        sourceFiles,
      }));
    expect(await read()).toMatchObject({
      description: { template: 'llava_v1', templateReason: expect.stringContaining('not used') as unknown },
      ownTemplate: "{{ '[INST]' }}",
    });
    writeFileSync(join(folder, 'chat_template.jinja'), '{{ messages[0].content }}{# <image> #}');
    const { description, sourceFiles } = await read();
    expect(description).toMatchObject({
      template: { jinja: '{{ messages[0].content }}{# <image> #}', place: 'chat_template.jinja' },
      templateReason: 'the model has one of its own',
      tokenizer: { spellings: { bos: '<s>', eos: '</s>', unknown: '<unk>', pad: null } },
    });
    expect(sourceFiles).toContain(join(folder, 'chat_template.jinja'));
  });
});
