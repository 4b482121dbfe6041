// GGUF pairs as the converters of the last years wrote them: key by key what such files have, and what must come out. Each is a row of
// the table in docs/models.md. Sources: llama.cpp's convert_image_encoder_to_gguf.py in its versions from October 2023 to today,
// convert.py and convert_hf_to_gguf.py, and the metadata that public bug reports quote from the logs of llama.cpp and Ollama.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewriteGguf, tinyPair, type Change, type TinyPair } from '../fixtures/rewritten-pair.fixture.js';
import { bool, f32s, i32s, text, texts, u32 } from '../gguf/value.js';
import { openGgufPair, type GgufPair } from './open-pair.js';

let tiny: TinyPair;
beforeAll(async () => {
  tiny = await tinyPair({ newline: true, config: { mm_patch_merge_type: 'spatial_unpad' } });
});
afterAll(() => tiny.remove());

const GRIDS = i32s([28, 56, 56, 28]);

/** The keys of the language model that converters wrote in 2023. */
const convertPy: Change = ({ metadata }) => {
  const newer =
    /^takeoff\.|^general\.type$|vocab_size$|\.pre$|add_bos_token$|add_eos_token$|add_space_prefix$/;
  for (const key of [...metadata.keys()]) if (newer.test(key)) metadata.delete(key);
  metadata.set('general.name', text('LLaMA v2'));
};

/** The mmproj file of October 2023: LLaVA 1.5, one layer less, the feed-forward named the wrong way round. */
const converter2023: Change = ({ metadata, tensors }) => {
  const newer =
    /^takeoff\.|^general\.type$|projector_type$|feature_layer$|image_aspect|merge_type$|pinpoints$/;
  for (const key of [...metadata.keys()]) if (newer.test(key)) metadata.delete(key);
  metadata.set('general.name', text('openai/clip-vit-large-patch14-336'));
  metadata.set('general.description', text('image encoder for LLaVA'));
  dropTensors(tensors, /^v\.image_newline$/);
  for (const tensor of tensors)
    tensor.name = tensor.name.replace(/ffn_(up|down)/, (_, which) =>
      which === 'up' ? 'ffn_down' : 'ffn_up',
    );
};

function dropTensors(tensors: Parameters<Change>[0]['tensors'], names: RegExp): void {
  tensors.splice(0, tensors.length, ...tensors.filter(({ name }) => !names.test(name)));
}

const with2023 =
  (...changes: Change[]): Change =>
  (file) => {
    for (const change of [converter2023, ...changes]) change(file);
  };

/** LLaVA 1.6, February 2024: what its config.json says of images, and the newline under LLaVA's own name. */
const llava16: Change = ({ metadata, tensors }) => {
  metadata.set('clip.projector_type', text('mlp'));
  metadata.set('clip.vision.image_grid_pinpoints', GRIDS);
  metadata.set('clip.vision.image_crop_resolution', u32(224));
  metadata.set('clip.vision.image_split_resolution', u32(224));
  metadata.set('clip.vision.image_aspect_ratio', text('anyres'));
  metadata.set('clip.vision.mm_patch_merge_type', text('spatial_unpad'));
  metadata.set('clip.vision.mm_projector_type', text('mlp2x_gelu'));
  tensors.push({ name: 'model.image_newline', from: 'v.image_newline', dimensions: [16] });
};

const says =
  (key: string, value: string): Change =>
  ({ metadata }) =>
    metadata.set(key, text(value));

/** A byte-level vocabulary of ten tokens with these special ones at its end. */
const byteLevel =
  (...special: string[]): Change =>
  ({ metadata }) => {
    const plain = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].slice(special.length);
    metadata.set('tokenizer.ggml.model', text('gpt2'));
    metadata.set('tokenizer.ggml.tokens', texts([...plain, ...special]));
    metadata.set('tokenizer.ggml.token_type', i32s([...plain.map(() => 1), ...special.map(() => 3)]));
    metadata.set('tokenizer.ggml.merges', texts(['a b']));
    metadata.set('tokenizer.ggml.bos_token_id', u32(plain.length));
    metadata.set('tokenizer.ggml.eos_token_id', u32(plain.length + 1));
    metadata.delete('tokenizer.ggml.scores');
  };
const LLAMA_3 = [
  '<|begin_of_text|>',
  '<|end_of_text|>',
  '<|start_header_id|>',
  '<|end_header_id|>',
  '<|eot_id|>',
];

/** SentencePiece with other spellings from id 5 on. */
const pieces =
  (...added: string[]): Change =>
  ({ metadata }) => {
    const before = ['<unk>', '<s>', '</s>', '▁a', '▁b'];
    const tokens = [...before, ...added, ...['x', 'y', 'z', 'u', 'v'].slice(added.length)];
    metadata.set('tokenizer.ggml.tokens', texts(tokens));
    metadata.set(
      'tokenizer.ggml.token_type',
      i32s(tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 5 || id >= 5 + added.length ? 1 : 4))),
    );
    metadata.set('tokenizer.ggml.scores', f32s(tokens.map((_, id) => -id)));
  };

interface Published {
  /** The first cell of the table's row. */
  readonly name: string;
  readonly model?: Change;
  readonly projector?: Change;
  /** What must come out, in words that a refusal has or as parts of the pair. */
  readonly gives: string | ((pair: GgufPair) => void);
}

const aspect = (wanted: object) => (pair: GgufPair) => expect(pair.description.vision).toMatchObject(wanted);

const ROWS: readonly Published[] = [
  {
    name: 'LLaVA 1.5 and BakLLaVA of 2023',
    gives: (pair) => {
      expect(pair.description.vision).toMatchObject({ aspect: 'pad', mergeType: 'flat' });
      expect(pair.projector?.vision).toMatchObject({ layersToRun: 2, projectorLayers: 2, hasNewline: false });
      expect(pair.description.tokenizer).toMatchObject({ addBos: true, addSpacePrefix: true, eosIds: [2] });
      expect(pair.conclusions.join()).toContain('clip.vision.image_grid_pinpoints is missing');
    },
  },
  {
    name: 'LLaVA 1.5 since January 2024',
    projector: says('clip.projector_type', 'mlp'),
    gives: aspect({ aspect: 'pad', mergeType: 'flat' }),
  },
  {
    name: 'a linear projector',
    projector: ({ tensors }) => {
      dropTensors(tensors, /^mm\.2\./);
      for (const tensor of tensors) tensor.name = tensor.name.replace(/^mm\.0\./, 'mm.');
      const weight = tensors.find(({ name }) => name === 'mm.weight');
      if (weight !== undefined) weight.dimensions = [64, 16];
    },
    gives: (pair) => expect(pair.projector?.vision.projectorLayers).toBe(1),
  },
  {
    name: 'LLaVA 1.6 since February 2024',
    projector: llava16,
    gives: (pair) => {
      const gridPinpoints = [
        [28, 56],
        [56, 28],
      ];
      expect(pair.description.vision).toMatchObject({
        aspect: 'anyres',
        mergeType: 'spatial_unpad',
        gridPinpoints,
      });
      expect(pair.projector?.vision.hasNewline).toBe(true);
      expect(pair.conclusions.join()).toContain('clip.vision.image_aspect_ratio says so');
    },
  },
  {
    name: 'LLaVA 1.6 without the keys of its images',
    projector: (file) => {
      llava16(file);
      for (const key of ['image_aspect_ratio', 'mm_patch_merge_type'])
        file.metadata.delete(`clip.vision.${key}`);
    },
    gives: aspect({ aspect: 'anyres', mergeType: 'spatial_unpad' }),
  },
  {
    name: 'LLaVA 1.6 without grids (Ollama’s library of 2024)',
    model: says('general.name', '1.6'),
    gives: aspect({ aspect: 'pad', mergeType: 'flat' }),
  },
  {
    name: 'LLaVA 1.6 tuned with the script of 1.5',
    projector: (file) => {
      llava16(file);
      says('clip.vision.image_aspect_ratio', 'pad')(file);
      says('clip.vision.mm_patch_merge_type', 'flat')(file);
    },
    gives: (pair) => {
      expect(pair.description.vision).toMatchObject({ aspect: 'pad', mergeType: 'flat', gridPinpoints: [] });
      expect(pair.conclusions.join()).toContain('aspect pad (clip.vision.image_aspect_ratio says so)');
    },
  },
  {
    name: 'a spatial_unpad that is never used',
    projector: (file) => {
      says('clip.vision.image_aspect_ratio', 'pad')(file);
      says('clip.vision.mm_patch_merge_type', 'spatial_unpad')(file);
    },
    gives: aspect({ aspect: 'pad', mergeType: 'spatial_unpad' }),
  },
  {
    name: 'an older LLaVA with square images',
    projector: says('clip.vision.image_aspect_ratio', 'square'),
    gives: aspect({ aspect: 'square', mergeType: 'flat' }),
  },
  {
    name: 'grids of LLaVA-NeXT (anyres_max_9)',
    projector: says('clip.vision.image_aspect_ratio', 'anyres_max_9'),
    gives: 'clip.vision.image_aspect_ratio is anyres_max_9',
  },
  {
    name: 'anyres without grids',
    projector: says('clip.vision.image_aspect_ratio', 'anyres'),
    gives: 'clip.vision.image_grid_pinpoints is missing',
  },
  {
    name: 'feature_layer (2025)',
    projector: ({ metadata }) => metadata.set('clip.vision.feature_layer', i32s([1])),
    gives: (pair) => {
      expect(pair.projector?.vision.layersToRun).toBe(1);
      expect(pair.warnings.join()).not.toContain('does not say which layer');
    },
  },
  {
    name: 'several feature layers (Granite Vision)',
    projector: ({ metadata }) => metadata.set('clip.vision.feature_layer', i32s([1, 2])),
    gives: 'several layers are selected',
  },
  {
    name: 'MobileVLM',
    projector: says('clip.projector_type', 'ldpv2'),
    gives: 'The projector is ldpv2',
  },
  {
    name: 'Yi-VL',
    projector: ({ tensors }) => tensors.push({ name: 'mm.1.weight', from: 'mm.0.bias', dimensions: [16] }),
    gives: 'normalisation layers',
  },
  {
    name: 'towers of SigLIP',
    projector: ({ tensors }) => dropTensors(tensors, /^v\.class_embd$/),
    gives: 'no class token',
  },
  {
    name: '`convert_hf_to_gguf.py --mmproj` (2025): Pixtral, Gemma 3 and others',
    projector: (file) => {
      says('general.type', 'mmproj')(file);
      says('clip.projector_type', 'pixtral')(file);
    },
    gives: 'The projector is pixtral',
  },
  {
    name: 'a whole CLIP with its text half',
    projector: ({ metadata, tensors }) => {
      metadata.set('clip.has_text_encoder', bool(true));
      tensors.push({ name: 't.token_embd.weight', from: 'mm.0.weight', dimensions: [64, 16] });
    },
    gives: (pair) =>
      expect([...(pair.projector?.vision.tensors.keys() ?? [])]).not.toContain('t.token_embd.weight'),
  },
  {
    name: 'a chat template of its own',
    model: says('tokenizer.chat_template', "{{ 'Q: ' ~ messages[0].content }}"),
    gives: ({ description }) => {
      expect(description.template).toEqual({
        jinja: "{{ 'Q: ' ~ messages[0].content }}",
        place: 'tokenizer.chat_template',
      });
      expect(description.templateReason).toContain('tokenizer.chat_template has one');
    },
  },
  {
    name: 'LLaVA 1.6 Mistral under any name',
    model: ({ metadata, tensors }) => {
      metadata.set('general.name', text('1.6'));
      metadata.set('llama.feed_forward_length', u32(14_336));
      for (const tensor of tensors)
        if (/ffn_(up|gate)/.test(tensor.name)) tensor.dimensions = [16, 14_336];
        else if (tensor.name.includes('ffn_down')) tensor.dimensions = [14_336, 16];
    },
    gives: (pair) => {
      expect(pair.description).toMatchObject({ template: 'mistral_instruct', tokenizer: { legacy: true } });
      expect(pair.conclusions.join()).toContain('a Mistral: llama.feed_forward_length is 14336');
    },
  },
  {
    name: 'LLaVA 1.6 34B (Yi)',
    model: (file) => {
      pieces('<|im_start|>', '<|im_end|>')(file);
      file.metadata.set('tokenizer.ggml.eos_token_id', u32(6));
      file.metadata.set('tokenizer.ggml.add_bos_token', bool(false));
    },
    gives: (pair) => {
      expect(pair.description).toMatchObject({
        template: 'chatml_direct',
        tokenizer: { addBos: false, eosIds: [6] },
      });
    },
  },
  {
    name: 'Llama 3 of April 2024, without `tokenizer.ggml.pre`',
    model: byteLevel(...LLAMA_3),
    gives: (pair) => {
      expect(pair).toMatchObject({ preTokenizer: 'llama-bpe' });
      expect(pair.description).toMatchObject({
        template: 'llava_llama_3',
        tokenizer: { addBos: true, eosIds: [6, 9] },
      });
      expect(pair.conclusions.join()).toContain('tokenizer.ggml.pre is missing');
    },
  },
  {
    name: 'Llama 3 of May 2024, called `smaug-bpe` or `default`',
    model: (file) => {
      byteLevel(...LLAMA_3)(file);
      says('tokenizer.ggml.pre', 'smaug-bpe')(file);
    },
    gives: (pair) => {
      expect(pair.preTokenizer).toBe('llama-bpe');
      expect(pair.conclusions.join()).toContain('tokenizer.ggml.pre is smaug-bpe');
    },
  },
  {
    name: 'Llama 3 since June 2024',
    model: (file) => {
      byteLevel(...LLAMA_3)(file);
      says('tokenizer.ggml.pre', 'llama-bpe')(file);
    },
    gives: (pair) => {
      expect(pair.preTokenizer).toBeNull();
      expect(pair.conclusions.join()).toContain(
        '<|end_of_text|> (6, tokenizer.ggml.eos_token_id), <|eot_id|> (9, by its spelling)',
      );
    },
  },
  {
    name: 'byte-level BPE of another model without `tokenizer.ggml.pre`',
    model: byteLevel('<|begin|>', '<|end_of_turn|>'),
    gives: (pair) => {
      expect([pair.preTokenizer, pair.description.tokenizer.addBos]).toEqual([null, false]);
      expect(pair.warnings.join()).toContain('tokenizer.ggml.pre is missing');
    },
  },
  {
    name: 'Phi-3 (xtuner)',
    model: pieces('<|endoftext|>', '<|assistant|>', '<|end|>', '<|user|>'),
    gives: (pair) => {
      const { template, tokenizer } = pair.description;
      expect([template, tokenizer.eosIds]).toEqual(['phi_3', [2, 5, 7]]);
      expect(tokenizer.addedTokens.filter(({ rstrip }) => rstrip).map(({ id }) => id)).toEqual([2, 6, 7, 8]);
    },
  },
  {
    name: 'ends of turns that are only in the vocabulary',
    model: pieces('<|end|>', '<|im_end|>', '<end_of_turn>'),
    gives: (pair) => {
      expect(pair.description.tokenizer.eosIds).toEqual([2, 5, 6, 7]);
      expect(pair.conclusions.join()).toContain('<|end|> (5, by its spelling)');
    },
  },
];

async function open({ model, projector }: Published): Promise<GgufPair> {
  const modelPath = await rewriteGguf(tiny.modelPath, join(tiny.folder, 'published.gguf'), (file) => {
    convertPy(file);
    model?.(file);
  });
  const projectorPath = join(tiny.folder, 'published-mmproj.gguf');
  await rewriteGguf(
    tiny.projectorPath,
    projectorPath,
    projector === undefined ? converter2023 : with2023(projector),
  );
  return openGgufPair(modelPath, projectorPath);
}

describe('a GGUF pair as published', () => {
  it.each(ROWS)('$name', async (row) => {
    if (typeof row.gives === 'string') return expect(open(row)).rejects.toThrow(row.gives);
    const pair = await open(row);
    try {
      row.gives(pair);
    } finally {
      await pair.close();
    }
  });

  it('of each kind is a row of docs/models.md, and there are no others', () => {
    const page = readFileSync(new URL('../../../../docs/models.md', import.meta.url), 'utf8');
    const table = page.split('### GGUF pairs of other writers\n')[1]?.split('\n#')[0] ?? '';
    const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
    expect(rows.slice(1).map((row) => row.split(' | ')[0]?.slice(2))).toEqual(ROWS.map(({ name }) => name));
  });
});
