// Which level of config.json counts, class by class, for every key that both levels can have.
import { afterEach, describe, expect, it } from 'vitest';
import {
  tinyCheckpoint,
  type TinyCheckpoint,
  type TinyOptions,
} from '../fixtures/tiny-checkpoint.fixture.js';
import type { Checkpoint } from './checkpoint.js';
import { describeCheckpoint } from './describe-checkpoint.js';

const made: TinyCheckpoint[] = [];
afterEach(() => {
  for (const checkpoint of made.splice(0)) checkpoint.remove();
});

async function look<T>(options: TinyOptions, of: (checkpoint: Checkpoint) => T): Promise<T> {
  const tiny = tinyCheckpoint(options);
  made.push(tiny);
  const checkpoint = await describeCheckpoint(tiny.folder);
  try {
    return of(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

const NEXT = { architectures: ['LlavaNextForConditionalGeneration'], model_type: 'llava_next' };
/** LLaVA-NeXT needs the grids of its own tile size. */
const NEXT_TINY = { ...NEXT, image_grid_pinpoints: [[28, 56]] };
const next = (options: TinyOptions): TinyOptions => ({
  layout: 'hub4',
  newline: true,
  ...options,
  config: { ...NEXT_TINY, ...options.config },
});
const usesOutput = ({ textTensors }: Checkpoint) =>
  textTensors.some(({ ggufName }) => ggufName === 'output.weight');
const withoutOutput: TinyOptions = {
  change: (stored) => stored.filter(({ name }) => !name.endsWith('lm_head.weight')),
};

describe('tie_word_embeddings', () => {
  it('at the top of a LLaVA-NeXT does not speak for a silent text_config: the stored output counts', async () => {
    expect(await look(next({ config: { tie_word_embeddings: true } }), usesOutput)).toBe(true);
  });

  it('at the top of a LLaVA does not either, whether text_config is silent or says false', async () => {
    for (const textConfig of [{}, { tie_word_embeddings: false }])
      for (const layout of ['hub4', 'hub5'] as const)
        expect(await look({ layout, textConfig, config: { tie_word_embeddings: true } }, usesOutput)).toBe(
          true,
        );
  });

  it('at the top counts where no output is stored, as transformers 5 saves tied models', async () => {
    const config = { tie_word_embeddings: true };
    expect(await look({ layout: 'hub5', config, ...withoutOutput }, usesOutput)).toBe(false);
    await expect(look({ layout: 'hub5', ...withoutOutput }, usesOutput)).rejects.toThrow('lm_head.weight');
  });

  it('in text_config counts, against the top', async () => {
    const textConfig = { tie_word_embeddings: true };
    const config = { tie_word_embeddings: false };
    expect(await look({ layout: 'hub4', textConfig, config, ...withoutOutput }, usesOutput)).toBe(false);
    expect(await look({ layout: 'hub4', textConfig }, usesOutput)).toBe(false);
  });

  it('of an original, which is flat, counts', async () => {
    expect(await look({ config: { tie_word_embeddings: true } }, usesOutput)).toBe(false);
    expect(await look({ config: { text_config: { tie_word_embeddings: true } } }, usesOutput)).toBe(true);
  });

  it('is named in a warning where it passes over an output that differs from the embedding', async () => {
    const config = { tie_word_embeddings: true };
    const warnings = await look({ config }, (checkpoint) => checkpoint.warnings.join());
    expect(warnings).toContain('lm_head.weight is stored and differs from the embedding');
    const change: TinyOptions['change'] = (stored) => {
      const embedding = stored.find(({ name }) => name === 'model.embed_tokens.weight');
      return stored.map((tensor) =>
        tensor.name === 'lm_head.weight' ? { ...tensor, values: embedding?.values ?? tensor.values } : tensor,
      );
    };
    expect(await look({ config, change }, (checkpoint) => checkpoint.warnings.join())).not.toContain(
      'lm_head',
    );
  });
});

describe('the language model in transformers’ layout', () => {
  const SIZES = {
    hidden_size: 999,
    num_hidden_layers: 999,
    rms_norm_eps: 0.5,
    vocab_size: 999,
    head_dim: 998,
  };
  const POSITIONS = { rope_theta: 5, max_position_embeddings: 3, sliding_window: 2, hidden_act: 'gelu' };
  const BIASES = { attention_bias: true, mlp_bias: true, rope_scaling: { type: 'linear', factor: 9 } };

  it('is built from text_config alone', async () => {
    const plain = await look({ layout: 'hub4' }, ({ text, description }) => ({ text, description }));
    const config = { ...SIZES, ...POSITIONS, ...BIASES };
    expect(
      await look({ layout: 'hub4', config }, ({ text, description }) => ({ text, description })),
    ).toEqual(plain);
  });

  it('is not what keys of the original layout say that the class does not know', async () => {
    const config = {
      s2: true,
      mm_vision_tower: 'google/siglip-so400m-patch14-384',
      mm_projector_type: 'pooler',
      mm_vision_select_layer: 0,
      tokenizer_model_max_length: 2,
    };
    const { description, vision } = await look({ layout: 'hub4', config }, (checkpoint) => checkpoint);
    expect([description.contextTokens, vision.layersToRun, vision.projectorLayers]).toEqual([64, 2, 2]);
  });

  it('has the grids of the class where LLaVA-NeXT’s configuration leaves them out', async () => {
    const vision_config = { model_type: 'clip_vision_model', hidden_size: 64, intermediate_size: 96 };
    const tower = { num_hidden_layers: 3, num_attention_heads: 1, image_size: 28, patch_size: 14 };
    const options = next({
      config: { image_grid_pinpoints: undefined, vision_config: { ...vision_config, ...tower } },
    });
    const { vision } = await look(options, ({ description }) => description);
    expect(vision?.gridPinpoints).toEqual([
      [336, 672],
      [672, 336],
      [672, 672],
      [1008, 336],
      [336, 1008],
    ]);
  });
});

describe('the language model in the original layout', () => {
  it('is built from the top, whatever a text_config beside it says', async () => {
    const plain = await look({}, ({ text }) => text);
    const config = { text_config: { hidden_size: 999, rope_theta: 5, vocab_size: 9, eos_token_id: 5 } };
    expect(await look({ config }, ({ text }) => text)).toEqual(plain);
  });
});

describe('eos_token_id and bos_token_id', () => {
  const ends = ({ description }: Checkpoint) => description.tokenizer.eosIds;
  /** An end token of the tokenizer would be an end beside those of the configuration. */
  const tokenizerConfig = { eos_token: '<none>' };

  it('are taken from the top, as generation does, and from text_config where the top is silent', async () => {
    const textConfig = { eos_token_id: 4 };
    expect(await look({ layout: 'hub4', tokenizerConfig, textConfig }, ends)).toEqual([4]);
    expect(
      await look({ layout: 'hub4', tokenizerConfig, textConfig, config: { eos_token_id: 5 } }, ends),
    ).toEqual([5]);
  });

  it('of the top count alone in an original', async () => {
    expect(await look({ tokenizerConfig, config: { eos_token_id: [3, 5] } }, ends)).toEqual([3, 5]);
  });
});
