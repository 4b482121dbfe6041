import { describe, expect, it } from 'vitest';
import { explainMissingWeights, recognise } from './architecture.js';
import { configSchema } from './config-schema.js';

const of = (config: object, folder = 'llava') => recognise(configSchema.parse(config), folder, 'config.json');

describe('recognise', () => {
  it('goes by the architecture in any letter case, not by model_type or name', () => {
    expect(of({ architectures: ['LlavaLlamaForCausalLM'], model_type: 'mpt' }, 'my-mistral')).toEqual({
      layout: 'original',
      architecture: 'LlavaLlamaForCausalLM',
      family: 'llama',
      isNext: false,
    });
    expect(of({ architectures: ['LLavaMistralForCausalLM'] }).architecture).toBe('LlavaMistralForCausalLM');
  });

  it("tells the language models of transformers' layout apart", () => {
    const hub = (architecture: string, text: object) =>
      of({ architectures: [architecture], text_config: text });
    expect(hub('LlavaForConditionalGeneration', { model_type: 'llama' })).toMatchObject({
      layout: 'hub',
      family: 'llama',
      isNext: false,
    });
    expect(hub('LlavaNextForConditionalGeneration', { model_type: 'mistral' })).toMatchObject({
      family: 'mistral',
      isNext: true,
    });
    expect(() => hub('LlavaForConditionalGeneration', { model_type: 'qwen2' })).toThrow(
      'language model is qwen2',
    );
  });

  it.each([
    [{ architectures: ['LlavaMptForCausalLM'] }, 'MPT'],
    [{ architectures: ['LlavaQwenForCausalLM'] }, 'Qwen'],
    [{ architectures: ['LlavaQwen2ForCausalLM'] }, 'Qwen'],
    [{ architectures: ['LlavaGemmaForCausalLM'] }, 'Gemma'],
    [{ architectures: ['LlavaPhiForCausalLM'] }, 'fused projections'],
    [
      { architectures: ['LlavaForConditionalGeneration'], text_config: { model_type: 'phi3' } },
      'Load a LLaVA-Phi-3 with Llama names',
    ],
    [{ architectures: ['VipLlavaForConditionalGeneration'] }, 'features of five layers'],
    [
      { architectures: ['LlavaLlamaForCausalLM'], mm_vision_tower: 'clip_4layer_336' },
      'this is ViP-LLaVA, and its projector takes',
    ],
    [{ architectures: ['LlavaOnevisionForConditionalGeneration'] }, 'SigLIP'],
    [{ architectures: ['LlamaForCausalLM'] }, 'plain language model'],
    [{ architectures: ['CLIPModel'] }, 'CLIP model on its own'],
    [{ architectures: ['Qwen2VLForConditionalGeneration'] }, 'not a LLaVA'],
    [{}, '(none)'],
    [{ architectures: ['LlavaLlamaForCausalLM'], s2: true }, 'S²'],
    [{ architectures: ['LlavaLlamaForCausalLM'], mm_vision_tower: 'google/siglip-so400m' }, 'SigLIP'],
    [
      {
        architectures: ['LlavaForConditionalGeneration'],
        vision_config: { model_type: 'siglip_vision_model' },
      },
      'siglip',
    ],
  ])('refuses %j and says what it is', (config, reason) => {
    expect(() => of(config)).toThrow(reason);
  });

  it('refuses folders of delta weights by name, not models that were merged from one', () => {
    const config = { architectures: ['LlavaLlamaForCausalLM'] };
    expect(() => of(config, 'LLaVA-13b-delta-v1-1')).toThrow('delta weights');
    expect(of({ ...config, _name_or_path: 'x/LLaVA-13b-delta-v1' }, 'merged').family).toBe('llama');
    expect(of(config, 'deltaforce').family).toBe('llama');
  });
});

describe('explainMissingWeights', () => {
  it('knows adapters, partitions of DeepSpeed and lone projectors', () => {
    expect(
      explainMissingWeights(['adapter_config.json', 'config.json', 'non_lora_trainables.bin']),
    ).toContain('a part of LoRA adapters');
    expect(explainMissingWeights(['adapter_model.bin', 'config.json'])).toContain('a part of LoRA adapters');
    expect(explainMissingWeights(['adapter_config.json', 'adapter_model.bin'])).toContain(
      'base_model_name_or_path',
    );
    for (const name of ['zero_to_fp32.py', 'global_step5000'])
      expect(explainMissingWeights(['config.json', 'latest', name])).toContain('Run its zero_to_fp32.py');
    expect(explainMissingWeights(['config.json', 'mm_projector.bin'])).toContain('projector only');
    expect(explainMissingWeights(['config.json'])).toBeUndefined();
  });
});
