import { describe, expect, it } from 'vitest';
import type { TokenizerSettings } from '../../model/description.js';
import { chooseTemplate, type TemplateEvidence } from './template-choice.js';

const settings: TokenizerSettings = {
  kind: 'sentencepiece',
  legacy: true,
  addBos: true,
  addSpacePrefix: true,
  removesExtraWhitespace: false,
  bosId: 1,
  eosIds: [2],
  tokenCount: 32_000,
  addedTokens: [],
  spellings: null,
};
const choose = (
  over: Partial<TemplateEvidence>,
  tokenizer: Partial<TokenizerSettings> = {},
  eosContent = '</s>',
) =>
  chooseTemplate({
    configured: null,
    family: 'llama',
    names: [],
    own: null,
    tokenizer: { settings: { ...settings, ...tokenizer }, eosContent },
    ...over,
  }).template;
const added = (id: number, content: string) => ({ id, content, special: true, lstrip: false, rstrip: false });
const imEnd = { id: 7, content: '<|im_end|>', special: false, lstrip: false, rstrip: false };

describe('chooseTemplate', () => {
  it('takes the key in config.json before any evidence', () => {
    expect(choose({ configured: 'vicuna_v1', family: 'mistral' })).toBe('vicuna_v1');
  });

  it('goes by language model and tokenizer', () => {
    expect(choose({})).toBe('llava_v1');
    expect(choose({ family: 'mistral' })).toBe('mistral_instruct');
    expect(choose({}, {}, '<|im_end|>')).toBe('chatml_direct');
    expect(choose({}, { eosIds: [7], addedTokens: [imEnd] })).toBe('chatml_direct');
    expect(choose({}, { kind: 'bpe', tokenCount: 128_256 })).toBe('llava_llama_3');
    const header = [added(3, '<|start_header_id|>')];
    expect(choose({}, { kind: 'bpe', tokenCount: 1000, addedTokens: header })).toBe('llava_llama_3');
  });

  it('knows Phi-3 by three tokens beside each other, under any name', () => {
    const phi3 = ['<|assistant|>', '<|end|>', '<|user|>'].map((content, index) =>
      added(32_001 + index, content),
    );
    expect(choose({}, { addedTokens: phi3 }, '<|endoftext|>')).toBe('phi_3');
    for (const missing of phi3)
      expect(choose({}, { addedTokens: phi3.filter((token) => token !== missing) })).toBe('llava_v1');
  });

  it('does not mistake a vocabulary that merely has ChatML tokens', () => {
    expect(choose({}, { eosIds: [2], addedTokens: [imEnd] })).toBe('llava_v1');
  });

  it('looks at the name for Llama 2 chat models and BakLLaVA only', () => {
    expect(choose({ names: ['BakLLaVA-1'], family: 'mistral' })).toBe('llava_v1');
    expect(choose({ names: ['llava-llama-2-13b-chat-lightning-preview'] })).toBe('llava_llama_2');
    expect(choose({ names: ['mistral-mpt-v0'] })).toBe('llava_v1');
  });

  describe('with a chat template of the checkpoint', () => {
    const own = (jinja: string, isForThisModel = false) => ({
      jinja,
      place: 'tokenizer_config.json',
      isForThisModel,
    });
    const ZEPHYR = "{{ '<|user|>' }}";
    const jinjaOf = (jinja: string) => ({ jinja, place: 'tokenizer_config.json' });

    it('takes one that was made for the model, whatever else points elsewhere', () => {
      expect(choose({ own: own('[INST]', true), family: 'mistral' })).toEqual(jinjaOf('[INST]'));
      expect(choose({ own: own('x', true), names: ['bakllava'] })).toEqual(jinjaOf('x'));
    });

    it('takes one of the tokenizer that is not that of a language model under a known LLaVA', () => {
      expect(choose({ own: own(ZEPHYR) })).toEqual(jinjaOf(ZEPHYR));
      expect(choose({ own: own(ZEPHYR), family: 'mistral' })).toEqual(jinjaOf(ZEPHYR));
      expect(choose({ own: own("{{ 'USER: ' }}") })).toEqual(jinjaOf("{{ 'USER: ' }}"));
      expect(choose({ own: own("{{ '<|im_start|>' }}") })).toEqual(jinjaOf("{{ '<|im_start|>' }}"));
    });

    it('keeps the format of the known models over their own language models', () => {
      // llava-v1.6-mistral-7b, llava-v1.6-34b, llama3-llava-next-8b, llava-llama-2-13b-chat, llava-phi-3-mini
      expect(choose({ own: own('[INST]'), family: 'mistral' })).toBe('mistral_instruct');
      expect(choose({ own: own('<|im_start|>') }, {}, '<|im_end|>')).toBe('chatml_direct');
      const llama3 = { kind: 'bpe', tokenCount: 128_256 } as const;
      expect(choose({ own: own('<|start_header_id|>') }, llama3)).toBe('llava_llama_3');
      expect(choose({ own: own('[INST]'), names: ['llava-llama-2-13b'] })).toBe('llava_llama_2');
      expect(choose({ own: own('[INST]') })).toBe('llava_v1');
      const phi3 = ['<|user|>', '<|assistant|>', '<|end|>'].map((content, id) => added(id, content));
      expect(choose({ own: own('<|end|>') }, { addedTokens: phi3 })).toBe('phi_3');
    });

    it('takes the key in config.json before it', () => {
      expect(choose({ own: own(ZEPHYR, true), configured: 'plain' })).toBe('plain');
    });
  });
});
