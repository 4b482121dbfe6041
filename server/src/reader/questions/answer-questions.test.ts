import { describe, expect, it } from 'vitest';
import { CharacterTokenizer } from '../../../../test/oracles/character-tokenizer.js';
import type { Question } from '../../link/requests/questions.js';
import { GREEDY } from '../../link/requests/greedy.js';
import type { GenerateMessage, Prompt } from '../../link/requests/messages.js';
import { RowNumbers } from '../kv/row-key.js';
import { createEchoModel } from '../load/echo-model.js';
import { namedTemplate } from '../prompt/conversation-template.js';
import { SequenceFactory } from '../sequence-factory.js';
import { QuestionAnswerer } from './answer-questions.js';

const { description } = createEchoModel({
  contextTokens: 500,
  cells: 500,
  maxSequences: 1,
  slots: 1,
  maxRows: 8,
  rowGroup: 1,
});
const tokenizer = new CharacterTokenizer({ tokenCount: 0x11_0003 }, [{ content: '<im>', special: false }]);
const template = namedTemplate('mistral_instruct', false);
const options = { description, tokenizer, template, contextTokens: 500, modelConfig: '{"a":1}' };
const answerer = new QuestionAnswerer(options);

const raw = (text: string): Prompt => ({ kind: 'raw', parts: [{ kind: 'text', text }] });
const withImage: Prompt = {
  kind: 'raw',
  parts: [
    { kind: 'image', image: 0 },
    { kind: 'text', text: 'a' },
  ],
};
const SIZE = { widthPx: 40, heightPx: 30 };
const turn = (role: 'user' | 'assistant', text: string) => ({
  role,
  parts: [{ kind: 'text' as const, text }],
});

const tokens = async (prompts: readonly Prompt[], skipsSpecialTokens = false) => {
  const answer = await answerer.answer({ kind: 'tokenize', prompts, images: [SIZE], skipsSpecialTokens });
  return answer.kind === 'tokenize' ? answer.tokens : [];
};
const text = async (given: readonly string[] | readonly number[], skipsSpecialTokens = false) =>
  answerer.answer({ kind: 'detokenize', tokens: given, skipsSpecialTokens });

describe('QuestionAnswerer', () => {
  it('spells the tokens of a text, and begins each text of a pair as a prompt', async () => {
    expect(await tokens([raw('ab')])).toEqual(['<s>', ' ', 'a', 'b']);
    expect(await tokens([raw('a'), raw('b')])).toEqual(['<s>', ' ', 'a', '<s>', ' ', 'b']);
    expect(await tokens([raw('a'), raw('b')], true)).toEqual([' ', 'a', ' ', 'b']);
  });

  it('takes what spells a special token for text', async () => {
    expect(await tokens([raw('</s>')], true)).toEqual([' ', '<', '/', 's', '>']);
  });

  it('counts an image by a token for each of its rows', async () => {
    const all = await tokens([withImage]);
    expect(all.filter((token) => token === '<image>')).toHaveLength(64);
    expect(all.slice(-3)).toEqual([' ', '\n', 'a']);
  });

  it('puts tokens together by ids and by spellings, without the blank in front', async () => {
    expect(await text([' ', 'a', '<im>'])).toEqual({ kind: 'detokenize', text: 'a<im>' });
    expect(await text([0x20, 0x61])).toEqual({ kind: 'detokenize', text: 'a' });
    expect(await text(['<s>', ' ', 'a'])).toEqual({ kind: 'detokenize', text: '<s> a' });
    expect(await text(['<s>', ' ', 'a', '</s>'], true)).toEqual({ kind: 'detokenize', text: 'a' });
    expect(await text([])).toEqual({ kind: 'detokenize', text: '' });
  });

  it('names a token that the model does not have by its place in the list', async () => {
    await expect(text([0x61, 0x11_0003])).rejects.toMatchObject({
      code: 'request.out_of_range',
      message: 'tokens[1] is 1114115; this model has the tokens 0 to 1114114.',
    });
    await expect(text(['a', 'ab'])).rejects.toThrow('tokens[1] is "ab"');
  });

  it('renders conversations with or without the beginning of an answer', async () => {
    const render = (opensAnswer: boolean, name: 'mistral_instruct' | 'vicuna_v1') =>
      new QuestionAnswerer({ ...options, template: namedTemplate(name, false) }).answer({
        kind: 'render',
        conversations: [{ system: 'S', turns: [turn('user', 'Q')] }],
        opensAnswer,
      });
    expect(await render(true, 'vicuna_v1')).toEqual({ kind: 'render', texts: ['S USER: Q ASSISTANT:'] });
    expect(await render(false, 'vicuna_v1')).toEqual({ kind: 'render', texts: ['S USER: Q '] });
  });

  it('counts what a sequence of the same prompt has', async () => {
    const prompts: Prompt[] = [
      withImage,
      raw('long enough to be cut'),
      { kind: 'conversation', system: null, turns: [turn('user', 'hello')] },
      raw(''),
    ];
    const question: Question = {
      kind: 'count',
      prompts,
      images: [SIZE],
      promptMaxTokens: 7,
      imageTokenBudget: 20,
    };
    const counted = await answerer.answer(question);
    const factory = new SequenceFactory({ ...options, rowNumbers: new RowNumbers(500) });
    const message: GenerateMessage = {
      kind: 'generate',
      requestId: 'r',
      prompts,
      images: [{ ...SIZE, sha256: 'ab', sidePx: 112, tiles: new Uint8Array(1) }],
      promptMaxTokens: 7,
      imageTokenBudget: 20,
      cacheSalt: null,
      loraId: null,
      constraint: null,
      sampling: GREEDY,
    };
    const counts = prompts.map((_, prompt) => {
      const { promptRows: promptTokens, imageRows: imageTokens } = factory.create(message, prompt);
      return { promptTokens, imageTokens };
    });
    expect(counted).toEqual({ kind: 'count', contextTokens: 500, counts });
  });

  it("hands out the model's config.json", async () => {
    expect(await answerer.answer({ kind: 'model_config' })).toEqual({
      kind: 'model_config',
      json: '{"a":1}',
    });
  });
});
