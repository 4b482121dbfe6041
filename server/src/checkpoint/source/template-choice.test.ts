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
});
