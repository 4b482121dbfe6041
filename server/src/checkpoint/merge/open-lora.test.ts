import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertCheckpoint } from '../convert/convert-checkpoint.js';
import { floatCodec } from '../fixtures/float-codec.fixture.js';
import { tinyCheckpoint, writeJson } from '../fixtures/tiny-checkpoint.fixture.js';
import { tinyLora, type TinyLora, type TinyLoraOptions } from '../fixtures/tiny-lora.fixture.js';
import { inspectSource } from '../inspect/inspect-source.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import type { ReadOptions } from '../source/read-checkpoint.js';

let outDir: string;
const made: TinyLora[] = [];
beforeEach(() => {
  outDir = mkdtempSync(join(tmpdir(), 'takeoff-lora-'));
});
afterEach(() => {
  rmSync(outDir, { recursive: true });
  for (const lora of made.splice(0)) lora.remove();
});

function make(options: TinyLoraOptions = {}): TinyLora {
  const lora = tinyLora(options);
  made.push(lora);
  return lora;
}

async function convert(folder: string, options: ReadOptions = {}) {
  const checkpoint = await describeCheckpoint(folder, options);
  const target = join(outDir, String(Math.random()));
  mkdirSync(target);
  const types = { textType: 'f32', towerType: 'f32' } as const;
  try {
    const paths = await convertCheckpoint({ checkpoint, outDir: target, codec: floatCodec, ...types });
    return {
      files: [paths.modelPath, paths.projectorPath].map((path) => readFileSync(path).toString('base64')),
      warnings: checkpoint.warnings,
    };
  } finally {
    await checkpoint.close();
  }
}

async function expectMerged(options: TinyLoraOptions) {
  const { folder, merged } = make(options);
  const [made, wanted] = [await convert(folder), await convert(merged)];
  // Long texts would be compared character by character in a message.
  expect(made.files[0] === wanted.files[0], 'the language model').toBe(true);
  expect(made.files[1] === wanted.files[1], 'the image side').toBe(true);
}

const EVERYTHING = /(?:_proj|fc[12]|mm_projector\.[02]|lm_head|embed_tokens|patch_embedding)\.weight$/u;

describe('a LoRA checkpoint', () => {
  it.each<[string, TinyLoraOptions]>([
    ['of safetensors over a LLaVA', {}],
    ['of PyTorch files in bf16', { format: 'torch', model: { format: 'torch', type: 'BF16' } }],
    ['over a plain Llama whose tower lies beside it', { plainBase: true, model: { tower: 'clip-folder' } }],
    [
      'that changes the tower, the projector, the table, the output and a convolution',
      { targets: EVERYTHING, model: { config: { unfreeze_mm_vision_tower: true } } },
    ],
    [
      'that changes a tower in a repository of its own',
      { targets: EVERYTHING, plainBase: true, model: { tower: 'clip-folder' } },
    ],
    [
      'whose tower was trained whole',
      { whole: /mm_projector|vision_tower/u, model: { config: { unfreeze_mm_vision_tower: true } } },
    ],
    ['without a word of what was trained whole', { whole: /^$/u }],
    ['that is rank-stabilised', { adapterConfig: { use_rslora: true }, scale: () => 4 }],
    [
      'with alphas of its own',
      {
        adapterConfig: { alpha_pattern: { 'mlp.up_proj': 16, '^model.layers.0.self_attn.q_proj': 4 } },
        scale: (name) =>
          name.includes('up_proj') ? 4 : name === 'model.layers.0.self_attn.q_proj.weight' ? 1 : 2,
      },
    ],
  ])('%s converts to the bytes of the merged model', async (_, options) => {
    await expectMerged(options);
  });

  it('takes tables that have grown in training', async () => {
    const grown = { rows: 12, config: { vocab_size: 12 } };
    const { folder, merged } = make({ model: grown, whole: /mm_projector|embed_tokens|lm_head/u });
    const small = tinyCheckpoint();
    const options = { modelBase: small.folder };
    expect((await convert(folder, options)).files).toEqual((await convert(merged)).files);
    const { folder: bare } = make({ model: grown });
    await expect(describeCheckpoint(bare, options)).rejects.toThrow(
      'model.embed_tokens.weight has 8 rows, and vocab_size in config.json of the LoRA checkpoint is 12',
    );
    small.remove();
  });

  it('takes what was trained whole and what was not under the names that PEFT gives them', async () => {
    const { folder, merged } = make({
      whole: /lm_head|mm_projector/u,
      changeWhole: (stored) =>
        stored.flatMap((tensor) =>
          tensor.name.endsWith('lm_head.weight')
            ? [
                {
                  ...tensor,
                  name: 'base_model.model.lm_head.original_module.weight',
                  values: tensor.values.map(() => 9),
                },
                { ...tensor, name: 'base_model.model.lm_head.modules_to_save.default.weight' },
              ]
            : [tensor],
        ),
      changeAdapter: (stored) =>
        stored.map((tensor) => ({ ...tensor, name: tensor.name.replace(/\.weight$/u, '.default.weight') })),
    });
    expect((await convert(folder)).files).toEqual((await convert(merged)).files);
  });

  it('tells an inspection what is merged into what', async () => {
    const { folder, base } = make();
    const inspection = await inspectSource(folder);
    expect(inspection.problems).toEqual([]);
    expect(inspection.lora).toEqual({ trainedOn: base, base, rank: 4, mergedCount: 26, wholeCount: 4 });
    expect(inspection.tensors?.files).toContain('non_lora_trainables.bin');
    expect(inspection.tokenizer?.tokens).toBe(8);
  });
});

describe('a base', () => {
  it('may lie beside the checkpoint under the name at the end of a path of another machine', async () => {
    const lora = make({ adapterConfig: { base_model_name_or_path: '/data/checkpoints/vicuna-tiny' } });
    const beside = join(lora.folder, '..', 'vicuna-tiny');
    renameSync(lora.base, beside);
    try {
      expect((await convert(lora.folder)).files).toEqual((await convert(lora.merged)).files);
    } finally {
      rmSync(beside, { recursive: true });
    }
  });

  it('is asked for by its name of the hub', async () => {
    const lora = make({ adapterConfig: { base_model_name_or_path: 'lmsys/vicuna-7b-v1.5' } });
    const asked: string[] = [];
    const locateBase = (id: string) => {
      asked.push(id);
      return Promise.resolve(lora.base);
    };
    await convert(lora.folder, { locateBase });
    expect(asked).toEqual(['lmsys/vicuna-7b-v1.5']);
  });

  it('that the operator names counts, with a warning where its name is another', async () => {
    const lora = make({ adapterConfig: { base_model_name_or_path: 'lmsys/vicuna-7b-v1.5' } });
    const { warnings } = await convert(lora.folder, { modelBase: lora.base });
    expect(warnings.join(' ')).toContain(
      'The adapter was trained on lmsys/vicuna-7b-v1.5, and model_base is',
    );
  });
});

describe('refuses', () => {
  it.each<[string, TinyLoraOptions, ReadOptions, string]>([
    ['DoRA', { adapterConfig: { use_dora: true } }, {}, 'use_dora is true'],
    ['PiSSA', { adapterConfig: { init_lora_weights: 'pissa' } }, {}, 'init_lora_weights is "pissa"'],
    ['another kind of adapter', { adapterConfig: { peft_type: 'IA3' } }, {}, 'peft_type is IA3'],
    ['a rank that is not there', { adapterConfig: { r: 8 } }, {}, 'is 8, but its matrices are of rank 4'],
    [
      'a base that is nowhere',
      { adapterConfig: { base_model_name_or_path: '/nowhere/vicuna' } },
      {},
      'its base /nowhere/vicuna (base_model_name_or_path of adapter_config.json) is not at hand',
    ],
    [
      'an adapter that names no base',
      { adapterConfig: { base_model_name_or_path: undefined } },
      {},
      'does not say which model the adapter belongs to',
    ],
    [
      'a base in 4 bits by its name',
      { adapterConfig: { base_model_name_or_path: 'unsloth/llama-2-7b-bnb-4bit' } },
      { locateBase: () => Promise.reject(new TypeError('asked')) },
      'which is quantised by its name',
    ],
    ['a model_base that is nowhere', {}, { modelBase: '/nowhere' }, 'model_base names it as the base'],
    [
      'matrices of another size',
      {
        changeAdapter: (stored) =>
          stored.map((t) =>
            t.name.includes('layers.1.mlp.up_proj.lora_B')
              ? { ...t, shape: [23, 4], values: t.values.slice(0, 92) }
              : t,
          ),
      },
      {},
      'which do not fit the weight [24, 16]',
    ],
    ['half a pair', { changeAdapter: (stored) => stored.slice(1) }, {}, 'has no other half (lora_A)'],
    [
      'matrices of a layer that there is not',
      {
        changeAdapter: (stored) =>
          stored.map((t) => ({ ...t, name: t.name.replace('layers.1', 'layers.7') })),
      },
      {},
      'belongs to no weight of the base',
    ],
    [
      'magnitudes of DoRA without a word in the configuration',
      {
        changeAdapter: (stored) =>
          stored.map((t) => ({ ...t, name: t.name.replace('lora_A.weight', 'lora_magnitude_vector') })),
      },
      {},
      'is a magnitude of DoRA',
    ],
    [
      'a tied table with an output of its own',
      { targets: /lm_head/u, model: { config: { tie_word_embeddings: true } } },
      {},
      'changes one of the two uses of the token table',
    ],
  ])('%s', async (_, options, given, message) => {
    const { folder } = make(options);
    await expect(describeCheckpoint(folder, given)).rejects.toThrow(message);
    // An inspection says the same, and goes on.
    const { problems, architecture } = await inspectSource(folder, given);
    expect(problems.map((problem) => problem.message).join(' ')).toContain(message);
    expect(architecture).toBe('LlavaLlamaForCausalLM');
  });

  it('a base of another size, of another kind, quantised, or a LoRA checkpoint itself', async () => {
    const { folder, base } = make();
    const withConfig = (change: Record<string, unknown>) => {
      const config = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8')) as object;
      writeJson(base, 'config.json', { ...config, ...change });
    };
    withConfig({ num_hidden_layers: 3 });
    await expect(describeCheckpoint(folder)).rejects.toThrow('was trained on another base');
    withConfig({ num_hidden_layers: 2, architectures: ['LlavaForConditionalGeneration'] });
    await expect(describeCheckpoint(folder)).rejects.toThrow(
      'is LlavaForConditionalGeneration; supported are',
    );
    await expect(describeCheckpoint(folder, { modelBase: make().folder })).rejects.toThrow(
      'is a LoRA checkpoint itself',
    );
    const packed = tinyCheckpoint({
      change: (stored) =>
        stored.map((t) => ({ ...t, name: t.name.replace('up_proj.weight', 'up_proj.weight.absmax') })),
    });
    await expect(describeCheckpoint(folder, { modelBase: packed.folder })).rejects.toThrow('is quantised (');
    packed.remove();
    await expect(describeCheckpoint(folder, { modelBase: outDir })).rejects.toThrow('it has no config.json');
  });

  it('a checkpoint without non_lora_trainables.bin, and model_base for what is no LoRA checkpoint', async () => {
    const { folder, merged, base } = make();
    unlinkSync(join(folder, 'non_lora_trainables.bin'));
    await expect(describeCheckpoint(folder)).rejects.toThrow('non_lora_trainables.bin is missing');
    await expect(describeCheckpoint(merged, { modelBase: base })).rejects.toThrow('Leave model_base out');
  });
});
