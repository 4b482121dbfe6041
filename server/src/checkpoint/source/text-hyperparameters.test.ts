import { describe, expect, it } from 'vitest';
import { decoderShape } from './text-hyperparameters.js';

describe('decoderShape', () => {
  it("fills in LlamaConfig's defaults, as llava-hf's configurations rely on", () => {
    expect(decoderShape({ max_position_embeddings: 4096, rms_norm_eps: 1e-5 }, 'llama', 'f')).toEqual({
      hiddenSize: 4096,
      feedForwardSize: 11008,
      layerCount: 32,
      headCount: 32,
      kvHeadCount: 32,
      headSize: 128,
      rmsEpsilon: 1e-5,
      ropeTheta: 10000,
      ropeScaling: null,
      contextTokens: 4096,
    });
  });

  it("fills in MistralConfig's defaults, the window of 4096 among them", () => {
    expect(decoderShape({}, 'mistral', 'f')).toMatchObject({
      feedForwardSize: 14336,
      kvHeadCount: 8,
      rmsEpsilon: 1e-6,
      contextTokens: 4096,
    });
  });

  it('limits the context to a sliding window, and not where the window is null', () => {
    const config = { max_position_embeddings: 32768 };
    expect(decoderShape({ ...config, sliding_window: 4096 }, 'mistral', 'f').contextTokens).toBe(4096);
    expect(decoderShape({ ...config, sliding_window: null }, 'mistral', 'f').contextTokens).toBe(32768);
  });

  it('takes rope settings from the old and the new place', () => {
    expect(decoderShape({ rope_theta: 1e6 }, 'mistral', 'f').ropeTheta).toBe(1e6);
    const five = { rope_parameters: { rope_type: 'default', rope_theta: 5e6 } };
    expect(decoderShape(five, 'llama', 'f')).toMatchObject({ ropeTheta: 5e6, ropeScaling: null });
    const linear = { rope_scaling: { type: 'linear', factor: 2 } };
    expect(decoderShape(linear, 'llama', 'f').ropeScaling).toEqual({ kind: 'linear', factor: 2 });
  });

  it('lets rope_scaling and what stands in it win, as transformers 5 does', () => {
    const config = {
      rope_theta: 1e4,
      rope_scaling: { rope_type: 'linear', factor: 2, rope_theta: 1e6 },
      rope_parameters: { rope_type: 'default', rope_theta: 5e5 },
    };
    expect(decoderShape(config, 'llama', 'f')).toMatchObject({
      ropeTheta: 1e6,
      ropeScaling: { kind: 'linear', factor: 2 },
    });
  });

  it('takes max_position_embeddings for the length that a llama3 scaling began with, where it names none', () => {
    const rope_scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const config = { max_position_embeddings: 8192, rope_scaling };
    expect(decoderShape(config, 'llama', 'f').ropeScaling).toMatchObject({
      originalContextTokens: 8192,
    });
  });

  it('takes null heads for keys and values as one for each head, absent ones by the class', () => {
    const heads = (config: object) => decoderShape(config, 'mistral', 'f').kvHeadCount;
    expect([heads({}), heads({ num_key_value_heads: null })]).toEqual([8, 32]);
  });

  it('refuses what the llama architecture of GGUF cannot compute', () => {
    expect(() => decoderShape({ hidden_act: 'gelu' }, 'llama', 'f')).toThrow('hidden_act is gelu');
    expect(() => decoderShape({ attention_bias: true }, 'llama', 'f')).toThrow('biases');
    expect(() => decoderShape({ num_attention_heads: 33 }, 'llama', 'f')).toThrow('do not divide');
    expect(() => decoderShape({ num_key_value_heads: 5 }, 'llama', 'f')).toThrow('do not divide');
  });
});
