// The calls that ask about tokens and readers: what they send, and what they make of the answer.
import { describe, expect, it } from 'vitest';
import { TakeoffApiError, UnexpectedAnswerError } from './errors.js';
import { TakeoffClient } from './index.js';
import { answer, failure, formOf, type Scripted, ScriptedFetch } from './scripted-fetch.fixture.js';

function scripted(...script: Scripted[]) {
  const server = new ScriptedFetch(...script);
  return { server, client: new TakeoffClient({ fetch: server.fetch }) };
}

const COUNT = { prompt_tokens: 70, image_tokens: 64, fits: true, max_answer_tokens: 58 };
const PARSED_COUNT = { promptTokens: 70, imageTokens: 64, fits: true, maxAnswerTokens: 58 };

describe('TakeoffClient: tokens', () => {
  it('tokenize sends text and options, and returns tokens and their number', async () => {
    const { server, client } = scripted(answer({ tokens: ['▁a'], tokens_count: 1 }));
    expect(await client.tokenize('a', 'my reader', { useChatTemplate: true, imageSizes: [[4, 3]] })).toEqual({
      tokens: ['▁a'],
      tokensCount: 1,
    });
    expect(server.calls[0]?.url).toBe('http://localhost:3000/tokenize/my%20reader');
    expect(server.json()).toEqual({ text: 'a', use_chat_template: true, image_sizes: [[4, 3]] });
  });

  it('detokenize leaves special tokens out unless it is told otherwise', async () => {
    const { server, client } = scripted(answer({ text: 'a' }), answer({ text: '<s> a' }));
    expect(await client.detokenize([1, 5], 'r')).toBe('a');
    expect(await client.detokenize(['<s>', '▁a'], 'r', { skipSpecialTokens: false })).toBe('<s> a');
    expect([server.json(0), server.json(1)]).toMatchObject([
      { tokens: [1, 5], skip_special_tokens: true },
      { skip_special_tokens: false },
    ]);
  });

  it('chatTemplate returns a text for each conversation', async () => {
    const { server, client } = scripted(answer({ messages: ['USER: a'] }));
    const inputs = [[{ role: 'user', content: 'a' }]] as const;
    expect(await client.chatTemplate(inputs, 'r')).toEqual(['USER: a']);
    expect(server.json()).toEqual({ inputs, add_generation_prompt: false });
  });

  it('count asks /count with what generate would send, an image included', async () => {
    const { server, client } = scripted(
      answer({ count: COUNT, context_tokens: 128 }),
      answer({ count: [COUNT], context_tokens: 128 }),
    );
    const one = await client.count('a', { image: new Uint8Array([1]), maxNewTokens: 5 });
    expect(one).toEqual({ count: PARSED_COUNT, contextTokens: 128 });
    expect((await client.count(['a'])).count).toEqual([PARSED_COUNT]);
    expect(server.calls.map(({ url }) => url)).toEqual(Array(2).fill('http://localhost:3000/count'));
    const [first] = server.calls;
    const form = first === undefined ? new FormData() : await formOf(first);
    expect(JSON.parse(form.get('json_data') as string)).toEqual({ text: 'a', max_new_tokens: 5 });
  });

  it.each([
    ['tokenize', (client: TakeoffClient) => client.tokenize('a', 'r')],
    ['detokenize', (client: TakeoffClient) => client.detokenize([1], 'r')],
    ['chatTemplate', (client: TakeoffClient) => client.chatTemplate([], 'r')],
    ['count', (client: TakeoffClient) => client.count(['a', 'b'])],
    ['createReader', (client: TakeoffClient) => client.createReader({ model_name: 'm' })],
    ['readers', (client: TakeoffClient) => client.readers()],
  ] as const)('%s refuses an answer of another shape', async (_, call) => {
    const { client } = scripted(answer({ count: [COUNT], context_tokens: 1 }));
    await expect(call(client)).rejects.toThrow(UnexpectedAnswerError);
  });
});

describe('TakeoffClient: readers', () => {
  it('createReader posts settings to the management port and returns what they came to', async () => {
    const { server, client } = scripted(answer({ reader_id: 'r', max_batch_size: 8 }, 201));
    const settings = { model_name: 'owner/model', consumer_group: ['a', 'b'] };
    expect(await client.createReader(settings)).toEqual({ reader_id: 'r', max_batch_size: 8 });
    expect([server.calls[0]?.url, server.json()]).toEqual(['http://localhost:3001/reader', settings]);
  });

  it('deleteReader resolves when the reader is gone', async () => {
    const gone = () => new Response(null, { status: 204 });
    const { server, client } = scripted(gone(), gone());
    await client.deleteReader('a/b');
    await client.deleteReader('r', { force: true });
    expect(server.calls.map(({ url, init }) => `${init.method ?? ''} ${url}`)).toEqual([
      'DELETE http://localhost:3001/reader/a%2Fb',
      'DELETE http://localhost:3001/reader/r?force=true',
    ]);
  });

  it('deleteReader rejects with the error of the server', async () => {
    const { client } = scripted(failure(404, 'request.reader_unknown'));
    await expect(client.deleteReader('r')).rejects.toThrow(TakeoffApiError);
  });

  it('readerConfig returns the config of the model and the settings beside it', async () => {
    const { server, client } = scripted(answer({ model_type: 'llava' }));
    expect(await client.readerConfig('r')).toEqual({ model_type: 'llava', takeoff: {} });
    expect(server.calls[0]?.url).toBe('http://localhost:3001/config/r');
  });

  it('readers lists the readers of each group', async () => {
    const reader = {
      reader_id: 'r',
      model_name: 'm',
      model_type: 't',
      device: 'cpu',
      consumer_groups: ['primary'],
      max_batch_size: 8,
      consumer_name: 'r',
      pids: [4],
      detail: 'live',
      restarts: 0,
      open_prompts: 0,
    };
    const { server, client } = scripted(answer({ primary: [reader] }));
    expect(await client.readers()).toEqual({ primary: [reader] });
    expect(server.calls[0]?.url).toBe('http://localhost:3001/reader_groups');
  });
});
