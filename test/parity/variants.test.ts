// Settings and layouts that no golden has, derived from one that has its numbers: what is the same model must give the same
// features and logits, and what is another projection must be that projection of the golden's tower rows.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePrompt } from '../../server/src/reader/prompt/encode.js';
import { trustedTextToPieces } from '../oracles/trusted-text.js';
import { serveTemplate } from '../../server/src/reader/load/served-template.js';
import {
  differences,
  encodeImage,
  GOLDENS,
  GoldenTensors,
  loadExact,
  logitsAfter,
  type ConvertedModel,
  type EncodedImage,
} from './golden-case.js';
import {
  f32Tensor,
  floatsOf,
  readConfig,
  readTensors,
  writeVariant,
  type Config,
  type Tensors,
} from './variant-checkpoint.js';
import { toTokenId } from '../../server/src/reader/ids.js';

const NAME = 'v16-llama-anyres';
const FOLDER = path.join(GOLDENS, NAME, 'checkpoint');
const golden = new GoldenTensors(NAME);
const WIDTH = 128;
const TILE_ROWS = 576;
/** 512 × 512 fills the 2 × 2 grid: nothing is un-padded, so every patch is in the golden's features. */
const PICTURE = '512x512';
/** An image whose tower rows the golden stores. */
const HEAD_PICTURE = '37x53';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

async function withVariant<T>(
  change: (config: Config, tensors: Tensors) => void,
  use: (model: ConvertedModel) => Promise<T>,
): Promise<T> {
  const config = readConfig(FOLDER);
  const tensors = readTensors(FOLDER);
  change(config, tensors);
  const folder = writeVariant(FOLDER, config, tensors);
  folders.push(folder);
  const model = await loadExact(folder);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

const encode = (
  model: ConvertedModel,
  image: string,
  keptRows: number | null = null,
): Promise<EncodedImage> => encodeImage(model, path.join(GOLDENS, 'images', `${image}.png`), keptRows);

let unchanged: EncodedImage;
beforeAll(async () => {
  unchanged = await withVariant(
    () => undefined,
    (model) => encode(model, PICTURE),
  );
});

describe('the same model written differently gives the same features', () => {
  it.each<{ name: string; change: (config: Config, tensors: Tensors) => void }>([
    {
      name: 'pinpoints as the text of a Python list',
      change: (config) => {
        config['image_grid_pinpoints'] = '[(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)]';
      },
    },
    {
      name: 'the select layer counted from the front',
      change: (config) => {
        config['mm_vision_select_layer'] = 3;
      },
    },
    {
      name: 'another spelling of the architecture',
      change: (config) => {
        config['architectures'] = ['LLavaLlamaForCausalLM'];
      },
    },
    {
      name: 'the tower named as transformers 5 does',
      change: (_, tensors) =>
        rename(tensors, /vision_tower\.vision_tower\.vision_model\./, 'vision_tower.vision_tower.'),
    },
  ])('$name', async ({ change }) => {
    const features = await withVariant(change, (model) => encode(model, PICTURE));
    expect(differences(features.values, unchanged.values)).toEqual({ largest: 0, relative: 0 });
  });
});

describe('other ways to merge', () => {
  it('spatial: the map without un-padding and newlines', async () => {
    const features = await withVariant(
      (config) => (config['mm_patch_merge_type'] = 'spatial'),
      (model) => encode(model, PICTURE),
    );
    const { values } = unchanged;
    const rows: Float32Array[] = [values.subarray(0, TILE_ROWS * WIDTH)];
    for (let row = 0; row < 48; row += 1) {
      const start = (TILE_ROWS + row * 49) * WIDTH;
      rows.push(values.subarray(start, start + 48 * WIDTH));
    }
    expect(features.rows).toBe(2880);
    expect(Buffer.compare(bytesOf(features.values), Buffer.concat(rows.map(bytesOf)))).toBe(0);
  });

  it('flat: tile after tile', async () => {
    const features = await withVariant(
      (config) => (config['mm_patch_merge_type'] = 'flat'),
      (model) => encode(model, PICTURE),
    );
    const { values } = unchanged;
    const tile = (index: number): Float32Array[] =>
      Array.from({ length: 24 }, (_, row) => {
        const mapRow = Math.floor(index / 2) * 24 + row;
        const start = (TILE_ROWS + mapRow * 49 + (index % 2) * 24) * WIDTH;
        return values.subarray(start, start + 24 * WIDTH);
      });
    const expected = [values.subarray(0, TILE_ROWS * WIDTH), ...[0, 1, 2, 3].flatMap(tile)];
    expect(features.rows).toBe(2880);
    expect(Buffer.compare(bytesOf(features.values), Buffer.concat(expected.map(bytesOf)))).toBe(0);
  });

  it('cls_patch: the class token in front of each tile', async () => {
    const features = await withVariant(
      (config) => {
        config['mm_patch_merge_type'] = 'flat';
        config['mm_vision_select_feature'] = 'cls_patch';
      },
      (model) => encode(model, PICTURE),
    );
    expect(features.rows).toBe(5 * 577);
    const base = features.values.subarray(WIDTH, 577 * WIDTH);
    expect(differences(base, unchanged.values.subarray(0, TILE_ROWS * WIDTH)).largest).toBeLessThan(1e-5);
  });
});

describe('an image with fewer rows', () => {
  const bothOf = (change: (config: Config, tensors: Tensors) => void) =>
    withVariant(change, async (model) => ({
      whole: await encode(model, HEAD_PICTURE),
      kept: await encode(model, HEAD_PICTURE, 70),
    }));

  it('keeps the class token of the base view first where the model keeps class tokens', async () => {
    const { whole, kept } = await bothOf((config) => {
      config['mm_patch_merge_type'] = 'flat';
      config['mm_vision_select_feature'] = 'cls_patch';
    });
    const first = ({ values }: EncodedImage) => values.subarray(0, WIDTH);
    expect(kept.rows).toBe(70);
    expect(differences(first(kept), first(whole)).largest).toBeLessThan(1e-5);
  });

  it('has rows of the tower itself where the projector is the identity', async () => {
    const { whole, kept } = await bothOf((config, tensors) => {
      config['mm_projector_type'] = 'identity';
      for (const name of tensors.keys()) if (name.startsWith('model.mm_projector.')) tensors.delete(name);
    });
    const known = new Set(rowsOf(whole).map((row) => row.join()));
    expect(kept.rows).toBe(70);
    expect(rowsOf(kept).filter((row) => !known.has(row.join()))).toEqual([]);
  });

  it('cannot be had of a tower of which no layer runs, which gives all rows as ever', async () => {
    await withVariant(
      (config) => (config['mm_vision_select_layer'] = 0),
      async (model) => {
        expect(model.encoder?.canReduce).toBe(false);
        expect((await encode(model, HEAD_PICTURE)).rows).toBe(1426);
      },
    );
  });
});

describe('other projectors', () => {
  const head = golden.floats(`tower.head/${HEAD_PICTURE}`) ?? new Float32Array();

  it('identity: the tower rows of the golden', async () => {
    const features = await withVariant(
      (config, tensors) => {
        config['mm_projector_type'] = 'identity';
        for (const name of tensors.keys()) if (name.startsWith('model.mm_projector.')) tensors.delete(name);
      },
      (model) => encode(model, HEAD_PICTURE),
    );
    const { largest, relative } = differences(
      features.values.slice(0, 16 * WIDTH),
      head.slice(0, 16 * WIDTH),
    );
    expect(largest).toBeLessThanOrEqual(2e-4);
    expect(relative).toBeLessThanOrEqual(2e-5);
  });

  it.each([1, 3, 4])('%i linear layers: exact GELU between them', async (layers) => {
    const matrices = Array.from({ length: layers }, (_, layer) => noise(WIDTH * WIDTH, layer + 1, 0.12));
    const biases = Array.from({ length: layers }, (_, layer) => noise(WIDTH, 50 + layer, 0.5));
    const features = await withVariant(
      (config, tensors) => {
        config['mm_projector_type'] = layers === 1 ? 'linear' : `mlp${layers}x_gelu`;
        for (const name of tensors.keys()) if (name.startsWith('model.mm_projector.')) tensors.delete(name);
        matrices.forEach((matrix, layer) => {
          const prefix = layers === 1 ? 'model.mm_projector' : `model.mm_projector.${2 * layer}`;
          tensors.set(`${prefix}.weight`, f32Tensor([WIDTH, WIDTH], matrix));
          tensors.set(`${prefix}.bias`, f32Tensor([WIDTH], biases[layer] ?? new Float32Array(WIDTH)));
        });
      },
      (model) => encode(model, HEAD_PICTURE),
    );
    const expected = Float32Array.from(
      Array.from({ length: 16 }, (_, row) =>
        project(head.subarray(row * WIDTH, (row + 1) * WIDTH), matrices, biases),
      ).flat(),
    );
    expect(differences(features.values.slice(0, 16 * WIDTH), expected).relative).toBeLessThanOrEqual(2e-5);
  });
});

it('mm_use_im_start_end wraps the image in its tokens', async () => {
  await withVariant(
    (config, tensors) => {
      config['mm_use_im_start_end'] = true;
      // Two more rows for <im_start> and <im_end>, which the tokenizer files do not have.
      for (const name of ['model.embed_tokens.weight', 'lm_head.weight']) {
        const tensor = tensors.get(name);
        if (tensor === undefined) throw new TypeError(`no ${name}`);
        const values = floatsOf(tensor);
        const [rows = 0, width = 0] = tensor.shape;
        tensors.set(
          name,
          f32Tensor([rows + 2, width], Float32Array.from([...values, ...values.subarray(0, 2 * width)])),
        );
      }
      config['vocab_size'] = Number(config['vocab_size']) + 2;
    },
    async (model) => {
      const parts = [{ kind: 'image', image: 0 } as const, { kind: 'text', text: 'Hi' } as const];
      const { tokenizer, wrapsImageInStartEnd } = model.description;
      expect(wrapsImageInStartEnd).toBe(true);
      const { template } = serveTemplate(null, model.description);
      const pieces = template.render({ system: null, turns: [{ role: 'user', parts }] });
      const { items } = encodePrompt(pieces, model.tokenizer);
      const image = items.findIndex((item) => item.kind === 'image');
      const idOf = (content: string) => tokenizer.addedTokens.find((token) => token.content === content)?.id;
      expect(items[image - 1]).toEqual({ kind: 'token', id: idOf('<im_start>') });
      expect(items[image + 1]).toEqual({ kind: 'token', id: idOf('<im_end>') });
      await Promise.resolve();
    },
  );
});

describe('the llava-hf layout', () => {
  it('of a LLaVA 1.6 gives the features and logits of the original', async () => {
    const config = readConfig(FOLDER);
    const changed = (target: Config, tensors: Tensors) => toHub(target, tensors, config);
    const logits = (model: ConvertedModel) =>
      textLogits(model, 'USER: How many windows does a house have? ASSISTANT:');
    const original = await withVariant(
      () => undefined,
      async (model) => [await encode(model, PICTURE), await logits(model)] as const,
    );
    const hub = await withVariant(
      changed,
      async (model) => [await encode(model, PICTURE), await logits(model)] as const,
    );
    expect(differences(hub[0].values, original[0].values).largest).toBe(0);
    expect(differences(hub[1], original[1]).largest).toBe(0);
  });
});

/** The configuration and names of transformers 4 (LlavaNextForConditionalGeneration). */
function toHub(target: Config, tensors: Tensors, original: Config): void {
  for (const key of Object.keys(target)) Reflect.deleteProperty(target, key);
  Object.assign(target, {
    architectures: ['LlavaNextForConditionalGeneration'],
    model_type: 'llava_next',
    image_grid_pinpoints: original['image_grid_pinpoints'],
    image_token_index: 999,
    projector_hidden_act: 'gelu',
    vision_feature_layer: -2,
    vision_feature_select_strategy: 'default',
    use_image_newline_parameter: true,
    tie_word_embeddings: false,
    text_config: { ...original, architectures: ['LlamaForCausalLM'], model_type: 'llama' },
    vision_config: {
      ...(readConfig(path.join(FOLDER, 'clip-tower'))['vision_config'] as Config),
      model_type: 'clip_vision_model',
    },
  });
  rename(tensors, /^model\.vision_tower\.vision_tower\./, 'vision_tower.');
  rename(tensors, /^model\.mm_projector\.0\./, 'multi_modal_projector.linear_1.');
  rename(tensors, /^model\.mm_projector\.2\./, 'multi_modal_projector.linear_2.');
  rename(tensors, /^model\.image_newline$/, 'image_newline');
  rename(tensors, /^(model\.|lm_head)/, 'language_model.$1');
}

const rowsOf = ({ rows, values }: EncodedImage): Float32Array[] =>
  Array.from({ length: rows }, (_, row) => values.subarray(row * WIDTH, (row + 1) * WIDTH));

function rename(tensors: Tensors, from: RegExp, to: string): void {
  for (const [name, tensor] of [...tensors]) {
    if (!from.test(name)) continue;
    tensors.delete(name);
    tensors.set(name.replace(from, to), tensor);
  }
}

async function textLogits(model: ConvertedModel, text: string): Promise<Float32Array> {
  const { items } = encodePrompt(
    trustedTextToPieces(text, model.description.tokenizer.addedTokens),
    model.tokenizer,
  );
  return logitsAfter(
    model,
    items.map((item) => (item.kind === 'token' ? item.id : toTokenId(0))),
  );
}

function project(
  row: Float32Array,
  matrices: readonly Float32Array[],
  biases: readonly Float32Array[],
): number[] {
  let values = [...row];
  matrices.forEach((matrix, layer) => {
    const input = layer === 0 ? values : values.map((x) => 0.5 * x * (1 + erf(x / Math.SQRT2)));
    values = Array.from({ length: WIDTH }, (_, out) =>
      input.reduce((sum, x, i) => sum + x * (matrix[out * WIDTH + i] ?? 0), biases[layer]?.[out] ?? 0),
    );
  });
  return values;
}

/** The error function by its series, to double precision in the range that occurs. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function noise(length: number, seed: number, scale: number): Float32Array {
  let state = seed * 7919;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
