import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESCRIPTION_KEY } from '../convert/model-metadata.js';
import {
  rewriteGguf,
  tinyPair,
  withoutOurs,
  type Change,
  type TinyPair,
} from '../fixtures/rewritten-pair.fixture.js';
import { bool, i32s, text, u32 } from '../gguf/value.js';
import { openGgufPair } from './open-pair.js';

let tiny: TinyPair;
let modelPath: string;
let projectorPath: string;
beforeAll(async () => {
  tiny = await tinyPair();
  ({ modelPath, projectorPath } = tiny);
});
afterAll(() => tiny.remove());

const rewritten = (path: string, name: string, change: Change) =>
  rewriteGguf(path, join(tiny.folder, name), change);
const swapNames: Change = ({ tensors }) => {
  for (const tensor of tensors)
    tensor.name = tensor.name.replace(/ffn_(up|down)/, (_, which) =>
      which === 'up' ? 'ffn_down' : 'ffn_up',
    );
};

describe('openGgufPair', () => {
  it('reads the description that conversion stored', async () => {
    const pair = await openGgufPair(modelPath, projectorPath);
    expect(pair.description).toMatchObject({
      template: 'llava_v1',
      tokenizer: { tokenCount: 8 },
      vision: { aspect: 'pad' },
    });
    expect(pair.projector?.vision).toMatchObject({
      layersToRun: 2,
      projectorLayers: 2,
      hasNewline: false,
      activation: 'quick_gelu',
    });
    expect(pair.warnings).toEqual([]);
    await pair.close();
  });

  it("takes the chat template of a foreign pair, unless it is that of a known LLaVA's language model", async () => {
    const templateOf = async (jinja: string) => {
      const model = await rewritten(modelPath, 'with-template.gguf', (file) => {
        withoutOurs(file);
        file.metadata.set('tokenizer.chat_template', text(jinja));
      });
      const pair = await openGgufPair(model, null);
      await pair.close();
      return pair.description;
    };
    expect(await templateOf("{{ '<|user|>' }}")).toMatchObject({
      template: { jinja: "{{ '<|user|>' }}", place: 'tokenizer.chat_template' },
      tokenizer: { spellings: { bos: '<s>', eos: '</s>', unknown: '<unk>', pad: null } },
    });
    expect(await templateOf("{{ '[INST]' }}")).toMatchObject({ template: 'llava_v1' });
  });

  it('serves text alone without the mmproj file', async () => {
    const pair = await openGgufPair(modelPath, null);
    expect([pair.projector, pair.description.vision]).toEqual([null, null]);
    await pair.close();
  });

  it('refuses a pair of an earlier version whose images cannot be merged', async () => {
    const model = await rewritten(modelPath, 'class-token.gguf', ({ metadata }) => {
      const stored = metadata.get(DESCRIPTION_KEY);
      if (stored?.type !== 'string') throw new TypeError('a pair of ours has a description');
      const json = stored.value
        .replace('"keepsClassToken":false', '"keepsClassToken":true')
        .replace('"aspect":"pad"', '"aspect":"anyres"')
        .replace('"mergeType":"flat"', '"mergeType":"spatial"');
      metadata.set(DESCRIPTION_KEY, text(json));
    });
    await expect(openGgufPair(model, projectorPath)).rejects.toThrow('a map of tiles has no place for it');
  });

  it('describes a foreign pair from the standard keys, and says what it assumed', async () => {
    const model = await rewritten(modelPath, 'foreign.gguf', withoutOurs);
    const projector = await rewritten(projectorPath, 'foreign-mmproj.gguf', withoutOurs);
    const pair = await openGgufPair(model, projector);
    expect(pair.description).toMatchObject({
      architecture: 'LlavaLlamaForCausalLM',
      contextTokens: 64,
      template: 'llava_v1',
      tokenizer: { kind: 'sentencepiece', legacy: false, addBos: true, bosId: 1, eosIds: [2], tokenCount: 8 },
      vision: { sidePx: 28, patchPx: 14, aspect: 'pad', mergeType: 'flat' },
    });
    expect(pair.projector?.vision.layersToRun).toBe(2);
    expect(pair.warnings.join()).toContain('TAKEOFF_CHAT_TEMPLATE');
    await pair.close();
  });

  it('takes a foreign Mistral for what its name says, and pinpoints for anyres', async () => {
    const model = await rewritten(modelPath, 'mistral.gguf', (file) => {
      withoutOurs(file);
      file.metadata.set('general.name', text('Llava v1.6 Mistral 7b'));
      file.metadata.set('tokenizer.ggml.remove_extra_whitespaces', bool(true));
    });
    const projector = await rewritten(projectorPath, 'anyres.gguf', (file) => {
      withoutOurs(file);
      file.metadata.delete('clip.vision.image_aspect_ratio');
      file.metadata.delete('clip.vision.mm_patch_merge_type');
      file.metadata.set('clip.vision.image_grid_pinpoints', i32s([28, 56, 56, 28]));
    });
    const pair = await openGgufPair(model, projector);
    expect(pair.description).toMatchObject({
      architecture: 'LlavaMistralForCausalLM',
      template: 'mistral_instruct',
      tokenizer: { legacy: true, removesExtraWhitespace: true },
      vision: {
        aspect: 'anyres',
        gridPinpoints: [
          [28, 56],
          [56, 28],
        ],
        mergeType: 'flat',
      },
    });
    await pair.close();
  });

  it('puts exchanged feed-forward matrices right', async () => {
    const projector = await rewritten(projectorPath, 'swapped.gguf', (file) => {
      withoutOurs(file);
      swapNames(file);
    });
    const pair = await openGgufPair(modelPath, projector);
    const up = pair.projector?.vision.tensors.get('v.blk.0.ffn_up.weight');
    expect([up?.name, up?.dimensions]).toEqual(['v.blk.0.ffn_down.weight', [64, 96]]);
    expect(pair.warnings.join()).toContain('wrong way round');
    await pair.close();
  });

  it('runs the layers that are there when a file does not say which', async () => {
    const projector = await rewritten(projectorPath, 'silent.gguf', (file) => {
      withoutOurs(file);
      file.metadata.delete('clip.vision.feature_layer');
    });
    const pair = await openGgufPair(modelPath, projector);
    expect(pair.projector?.vision.layersToRun).toBe(2);
    expect(pair.warnings.join()).toContain('2 layers are run');
    await pair.close();
  });

  it('knows the names that the older converter gave to a linear projector and the newline', async () => {
    const projector = await rewritten(projectorPath, 'linear.gguf', ({ tensors }) => {
      const kept = tensors.filter(({ name }) => !name.startsWith('mm.2.') && name !== 'mm.0.weight');
      tensors.splice(0, tensors.length, ...kept);
      for (const tensor of tensors) if (tensor.name === 'mm.0.bias') tensor.name = 'mm.bias';
      tensors.push({ name: 'mm.weight', from: 'mm.0.weight', dimensions: [64, 16] });
      tensors.push({ name: 'model.image_newline', from: 'mm.0.bias', dimensions: [16] });
    });
    const pair = await openGgufPair(modelPath, projector);
    expect(pair.projector?.vision).toMatchObject({ projectorLayers: 1, hasNewline: true });
    await pair.close();
  });

  it.each<[string, Change, string]>([
    ['a tensor of the tower is missing', ({ tensors }) => tensors.splice(0, 1), 'v.class_embd is missing'],
    [
      'more layers should run than there are',
      ({ metadata }) => metadata.set('takeoff.vision.layers', u32(3)),
      'v.blk.2.ln1.weight is missing',
    ],
    [
      'absurdly many layers should run',
      ({ metadata }) => metadata.set('takeoff.vision.layers', u32(2 ** 31)),
      'should run 2147483648 layers; at most 1024',
    ],
    [
      'a size contradicts the tensors',
      ({ metadata }) => metadata.set('clip.vision.feed_forward_length', u32(97)),
      'asks for [64, 97]',
    ],
    [
      'a size is missing',
      ({ metadata }) => metadata.delete('clip.vision.patch_size'),
      'clip.vision.patch_size is missing',
    ],
    [
      'it has another projector',
      ({ metadata }) => metadata.set('clip.projector_type', text('resampler')),
      'The projector is resampler',
    ],
    [
      'several layers are selected',
      ({ metadata }) => {
        metadata.delete('takeoff.vision.layers');
        metadata.set('clip.vision.feature_layer', i32s([1, 2]));
      },
      'several layers',
    ],
  ])('refuses an mmproj file when %s', async (_, change, reason) => {
    const projector = await rewritten(projectorPath, 'bad.gguf', change);
    await expect(openGgufPair(modelPath, projector)).rejects.toThrow(reason);
  });

  it('refuses files in each other’s place and halves of different models', async () => {
    await expect(openGgufPair(projectorPath, null)).rejects.toThrow('mmproj file of a pair');
    await expect(openGgufPair(modelPath, modelPath)).rejects.toThrow('not an mmproj file');
    const other = await rewritten(projectorPath, 'other.gguf', ({ tensors }) => {
      const last = tensors.findIndex(({ name }) => name === 'mm.2.weight');
      tensors[last] = { name: 'mm.2.weight', from: 'mm.2.weight', dimensions: [32, 8] };
    });
    await expect(openGgufPair(modelPath, other)).rejects.toThrow('do not belong together');
    const qwen = await rewritten(modelPath, 'qwen.gguf', ({ metadata }) =>
      metadata.set('general.architecture', text('qwen2')),
    );
    await expect(openGgufPair(qwen, null)).rejects.toThrow('The architecture is qwen2');
  });

  it('refuses a stored description that is no description', async () => {
    const model = await rewritten(modelPath, 'odd.gguf', ({ metadata }) =>
      metadata.set('takeoff.description', text('{}')),
    );
    await expect(openGgufPair(model, projectorPath)).rejects.toMatchObject({ code: 'checkpoint.malformed' });
  });
});
