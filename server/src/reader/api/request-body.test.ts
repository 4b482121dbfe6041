import { describe, expect, it } from 'vitest';
import { GREEDY } from '../../link/requests/greedy.js';
import type { Conversation, GenerateMessage, SamplingParameters } from '../../link/requests/messages.js';
import { API_DIALECTS, type ApiDialect } from '../../model/api-dialect.js';
import { writeQuestion } from './request-body.js';

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
const image = { sha256: 'a', widthPx: 1, heightPx: 1, sidePx: null, tiles: PNG };
const talk: Conversation = {
  kind: 'conversation',
  system: null,
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello.' }] }],
};
const raw = { kind: 'raw', parts: [{ kind: 'text', text: 'USER: Hello.' }] } as const;
const UNRESTRICTED: SamplingParameters = { ...GREEDY, topK: 2_147_483_647 };

const message = (fields: Partial<GenerateMessage> = {}): GenerateMessage => ({
  kind: 'generate',
  requestId: 'r',
  prompts: [talk],
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: UNRESTRICTED,
  constraint: null,
  ...fields,
});

function written(
  fields: Partial<GenerateMessage>,
  dialect: ApiDialect = 'vllm',
  { index = 0, contextTokens = 4096 }: { index?: number; contextTokens?: number | null } = {},
) {
  const question = writeQuestion(message(fields), index, { model: 'm', dialect, contextTokens });
  return { endpoint: question.endpoint, body: JSON.parse(question.body) as Record<string, unknown> };
}
const sampled = (fields: Partial<SamplingParameters>) => ({ sampling: { ...UNRESTRICTED, ...fields } });

describe('the body of a question to a cluster', () => {
  it('has nothing that the request does not ask for', () => {
    expect(written({})).toEqual({
      endpoint: 'chat',
      body: {
        model: 'm',
        messages: [{ role: 'user', content: 'Hello.' }],
        temperature: 1,
        max_tokens: 128,
        stream: true,
        stream_options: { include_usage: true },
      },
    });
  });

  it('has the turns of a conversation, its system text and images as data URLs in their places', () => {
    const parts = [
      { kind: 'image', image: 0 },
      { kind: 'text', text: 'What is ' },
      { kind: 'text', text: 'this?' },
    ] as const;
    const turns = [
      { role: 'user', parts },
      { role: 'assistant', parts: [{ kind: 'text', text: 'A dot.' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'Sure?' }] },
    ] as const;
    const { body } = written({
      images: [image],
      prompts: [{ kind: 'conversation', system: 'Be brief.', turns }],
    });
    expect(body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
          { type: 'text', text: 'What is ' },
          { type: 'text', text: 'this?' },
        ],
      },
      { role: 'assistant', content: 'A dot.' },
      { role: 'user', content: 'Sure?' },
    ]);
  });

  it('has a raw prompt as it is, for the other endpoint', () => {
    expect(written({ prompts: [raw] })).toMatchObject({
      endpoint: 'completions',
      body: { prompt: 'USER: Hello.' },
    });
  });

  it('refuses a raw prompt with an image, and says what to do', () => {
    const withImage = { kind: 'raw', parts: [{ kind: 'image', image: 0 }] } as const;
    expect(() => written({ prompts: [withImage], images: [image] })).toThrow(/use_chat_template/u);
  });

  it.each([
    ['temperature 0', { temperature: 0, topP: 0.5, seed: 3 }],
    ['top_k 1', { topK: 1, temperature: 0.7, minP: 0.1 }],
    ['top_p 0', { topP: 0 }],
  ])('is greedy for %s, on every server alike', (_, fields) => {
    for (const dialect of API_DIALECTS) {
      const { body } = written(sampled(fields), dialect);
      expect(body).toMatchObject({ temperature: 0 });
      for (const key of ['top_k', 'top_p', 'min_p', 'seed']) expect(body).not.toHaveProperty(key);
    }
  });

  it('has every parameter in the words of vLLM', () => {
    const { body } = written({
      cacheSalt: 'salt',
      ...sampled({
        temperature: 0.7,
        topP: 0.9,
        topK: 50,
        minP: 0.05,
        repetitionPenalty: 1.1,
        frequencyPenalty: 0.2,
        presencePenalty: 0.3,
        logitBias: [{ token: 7, bias: -5 }],
        seed: 11,
        stop: ['END'],
        maxNewTokens: 20,
        minNewTokens: 2,
        topLogprobs: 3,
      }),
    });
    expect(body).toMatchObject({
      temperature: 0.7,
      top_p: 0.9,
      top_k: 50,
      min_p: 0.05,
      repetition_penalty: 1.1,
      frequency_penalty: 0.2,
      presence_penalty: 0.3,
      logit_bias: { 7: -5 },
      seed: 11,
      stop: ['END'],
      max_tokens: 20,
      min_tokens: 2,
      logprobs: true,
      top_logprobs: 3,
      cache_salt: 'salt',
    });
  });

  it('counts logprobs of completions in the way of completions', () => {
    const { body } = written({ prompts: [raw], ...sampled({ topLogprobs: 3 }) });
    expect(body).toMatchObject({ logprobs: 3 });
    expect(body).not.toHaveProperty('top_logprobs');
  });

  it('draws each answer of a request from a seed of its own', () => {
    const fields = { prompts: [talk, talk], ...sampled({ seed: 2 ** 32 - 1 }) };
    expect([0, 1].map((index) => written(fields, 'openai', { index }).body['seed'])).toEqual([
      2 ** 32 - 1,
      0,
    ]);
  });

  it('sends no more than four stop strings, which is what OpenAI takes', () => {
    expect(written(sampled({ stop: ['a', 'b', 'c', 'd', 'e'] })).body['stop']).toEqual(['a', 'b', 'c', 'd']);
  });

  it('leaves the end of an answer that is longer than the context to servers that end it there', () => {
    expect(written(sampled({ maxNewTokens: 4096 }))['body']).not.toHaveProperty('max_tokens');
    expect(written(sampled({ maxNewTokens: 4096 }), 'tgi')['body']).toHaveProperty('max_tokens', 4096);
    expect(written({ prompts: [raw], ...sampled({ maxNewTokens: 4096 }) }).body).toHaveProperty(
      'max_tokens',
      4096,
    );
    const unknown = { contextTokens: null };
    expect(written(sampled({ maxNewTokens: 4096 }), 'vllm', unknown).body).toHaveProperty('max_tokens', 4096);
  });

  it.each<[string, ApiDialect, Partial<GenerateMessage>]>([
    ['top_k (sampling_topk)', 'openai', sampled({ topK: 50 })],
    ['min_p', 'tgi', sampled({ minP: 0.1 })],
    ['repetition_penalty', 'openai', sampled({ repetitionPenalty: 1.2 })],
    ['presence_penalty', 'tgi', sampled({ presencePenalty: 0.5 })],
    ['min_tokens (min_new_tokens)', 'openai', sampled({ minNewTokens: 2 })],
    ['logit_bias', 'tgi', sampled({ logitBias: [{ token: 1, bias: 1 }] })],
    ['logprobs', 'tgi', { prompts: [raw], ...sampled({ topLogprobs: 1 }) }],
    ['no_repeat_ngram_size', 'vllm', sampled({ noRepeatNgramSize: 3 })],
    ['prompt_max_tokens', 'vllm', { promptMaxTokens: 10 }],
    ['image_token_budget', 'takeoff', { imageTokenBudget: 64 }],
    ['cache_salt', 'openai', { cacheSalt: 'secret salt' }],
  ])('refuses %s of %s by name', (name, dialect, fields) => {
    const refusal = expect.objectContaining({ code: 'request.not_supported' }) as Error;
    expect(() => written(fields, dialect)).toThrow(refusal);
    expect(() => written(fields, dialect)).toThrow(`${name} is `);
    expect(() => written(fields, dialect)).not.toThrow('secret salt');
  });

  it('does not refuse the native default of one token at least', () => {
    expect(written(sampled({ minNewTokens: 1 }), 'openai').body).not.toHaveProperty('min_tokens');
    expect(written(sampled({ minNewTokens: 1 }), 'sglang').body).toHaveProperty('min_tokens', 1);
  });
});
