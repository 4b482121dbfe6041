import { afterEach, describe, expect, it } from 'vitest';
import { SseDecoder } from 'takeoff-wire';
import type { GenerateMessage, TokenLogprob } from '../../../link/requests/messages.js';
import type { Script } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function ask(path: string, body: unknown, options: ScriptedAppOptions = {}) {
  opened ??= await scriptedApp(options);
  return opened.app.inject({ method: 'POST', url: `/v1${path}`, payload: body as object });
}
const chat = (fields: object, options: ScriptedAppOptions = {}) =>
  ask(
    '/chat/completions',
    { model: 'primary', messages: [{ role: 'user', content: 'ab' }], ...fields },
    options,
  );

/** The data of all events of a stream, parsed; [DONE] as it is. */
const eventsOf = (payload: Buffer): unknown[] =>
  new SseDecoder()
    .push(payload)
    .map(({ data }): unknown => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)));

/** Keeps the message that a reader got. */
function keeping(messages: GenerateMessage[]): Script {
  return (message, reader) => {
    messages.push(message);
    message.prompts.forEach((_, prompt) => reader.done(message.requestId, prompt));
  };
}
async function messageFor(fields: object): Promise<GenerateMessage> {
  const messages: GenerateMessage[] = [];
  const { statusCode, body } = await chat(fields, { script: keeping(messages) });
  expect([statusCode, body]).toEqual([200, expect.any(String)]);
  return messages[0]!;
}

const USAGE = {
  prompt_tokens: 7,
  completion_tokens: 2,
  total_tokens: 9,
  prompt_tokens_details: { cached_tokens: 1, image_tokens: 3 },
  completion_tokens_details: { reasoning_tokens: 0 },
};
const HEAD = {
  id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/u) as unknown,
  created: expect.any(Number) as unknown,
  model: 'primary',
  system_fingerprint: expect.stringMatching(/^fp_/u) as unknown,
};

describe('/v1/chat/completions', () => {
  it('answers a conversation', async () => {
    const response = await chat({});
    expect(response.json()).toEqual({
      ...HEAD,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'ab', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: USAGE,
    });
    expect(response.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/u);
  });

  it('streams an answer as chunks, the role first, the reason of the end last', async () => {
    const { rawPayload, headers } = await chat({ stream: true });
    expect(headers['content-type']).toContain('text/event-stream');
    const head = { ...HEAD, object: 'chat.completion.chunk' };
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    expect(eventsOf(rawPayload)).toEqual([
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ content: 'a' }),
      chunk({ content: 'b' }),
      chunk({}, 'stop'),
      '[DONE]',
    ]);
  });

  it('writes events with one blank behind data:, for clients that look for it', async () => {
    const { payload } = await chat({ stream: true });
    expect(payload.split('\n').filter((line) => line !== '' && !line.startsWith('data: '))).toEqual([]);
  });

  it('ends a stream with its usage where that is asked for, and says null before', async () => {
    const { rawPayload } = await chat({ stream: true, stream_options: { include_usage: true } });
    const events = eventsOf(rawPayload);
    expect(events.at(-1)).toBe('[DONE]');
    expect(events.at(-2)).toMatchObject({ choices: [], usage: USAGE });
    for (const event of events.slice(0, -2)) expect(event).toMatchObject({ usage: null });
  });

  it('gives n answers to one prompt, which is counted once', async () => {
    const body = (await chat({ n: 3 })).json<{ choices: object[]; usage: object }>();
    expect(body.choices).toMatchObject([{ index: 0 }, { index: 1 }, { index: 2 }]);
    expect(body.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 6, total_tokens: 13 });
    const events = eventsOf((await chat({ n: 2, stream: true })).rawPayload);
    const indices = events.flatMap((event) => (event as { choices?: { index: number }[] }).choices ?? []);
    expect(indices.filter(({ index }) => index === 1)).toHaveLength(4);
    expect(events.filter((event) => event === '[DONE]')).toHaveLength(1);
  });

  it('draws from the whole vocabulary unless the request says otherwise', async () => {
    const { prompts, sampling } = await messageFor({});
    expect(prompts).toMatchObject([{ kind: 'conversation', system: null }]);
    expect(sampling).toEqual({
      temperature: 1,
      topP: 1,
      topK: 2147483647,
      minP: 0,
      repetitionPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      logitBias: [],
      noRepeatNgramSize: 0,
      maxNewTokens: 1024,
      minNewTokens: 0,
      seed: null,
      stop: [],
      topLogprobs: null,
    });
  });

  it('hands every parameter to the reader', async () => {
    const { sampling } = await messageFor({
      max_tokens: 9,
      max_completion_tokens: 7,
      temperature: 0,
      top_p: 0.5,
      top_k: 40,
      min_p: 0.1,
      seed: -1,
      stop: ['\n', 'END'],
      frequency_penalty: -2,
      presence_penalty: 2,
      repetition_penalty: 1.1,
      min_tokens: 2,
      logit_bias: { '42': -100, '7': 1.5 },
      logprobs: true,
      top_logprobs: 3,
    });
    expect(sampling).toEqual({
      temperature: 0,
      topP: 0.5,
      topK: 40,
      minP: 0.1,
      repetitionPenalty: 1.1,
      frequencyPenalty: -2,
      presencePenalty: 2,
      logitBias: [
        { token: 7, bias: 1.5 },
        { token: 42, bias: -100 },
      ],
      noRepeatNgramSize: 0,
      maxNewTokens: 7,
      minNewTokens: 2,
      seed: 2 ** 32 - 1,
      stop: ['\n', 'END'],
      topLogprobs: 3,
    });
  });

  it.each([
    ['stop as one string', { stop: '5' }, { stop: ['5'] }],
    ['top_k -1 and 0 as none', { top_k: -1 }, { topK: 2147483647 }],
    ['logprobs without alternatives', { logprobs: true }, { topLogprobs: 0 }],
    ['a seed of 64 bits', { seed: 2 ** 53 + 4 }, { seed: 4 }],
    [
      'null for whatever is not set',
      { temperature: null, stop: null, n: null, tools: null },
      { temperature: 1 },
    ],
  ])('takes %s', async (_, fields, sampling) => {
    expect((await messageFor(fields)).sampling).toMatchObject(sampling);
  });

  it('ignores what changes no answer', async () => {
    await messageFor({
      user: 'u1',
      metadata: { a: 'b' },
      store: false,
      reasoning_effort: 'low',
      parallel_tool_calls: false,
      service_tier: 'auto',
      modalities: ['text'],
      response_format: { type: 'text' },
      tools: [{ type: 'function', function: { name: 'report' } }],
      tool_choice: 'auto',
      invented_field: 1,
    });
  });

  it('tells log probabilities with the text of their tokens', async () => {
    const token = (text: string, logprob: number) => ({ bytes: new TextEncoder().encode(text), logprob });
    const logprobs: TokenLogprob[] = [{ ...token('é', -0.5), top: [token('é', -0.5), token('e', -1.5)] }];
    const script: Script = ({ requestId }, reader) => {
      reader.say({ kind: 'token', requestId, prompt: 0, text: 'é', logprobs });
      reader.done(requestId);
    };
    const content = [
      {
        token: 'é',
        logprob: -0.5,
        bytes: [0xc3, 0xa9],
        top_logprobs: [
          { token: 'é', logprob: -0.5, bytes: [0xc3, 0xa9] },
          { token: 'e', logprob: -1.5, bytes: [0x65] },
        ],
      },
    ];
    const asked = { logprobs: true, top_logprobs: 2 };
    const buffered = await chat(asked, { script });
    expect(buffered.json()).toMatchObject({ choices: [{ logprobs: { content, refusal: null } }] });
    const streamed = eventsOf((await chat({ ...asked, stream: true })).rawPayload);
    expect(streamed[1]).toMatchObject({ choices: [{ delta: { content: 'é' }, logprobs: { content } }] });
  });

  it('says length for an answer that was cut, in both forms', async () => {
    const script: Script = ({ requestId }, reader) => reader.done(requestId, 0, 'length');
    expect((await chat({}, { script })).json()).toMatchObject({ choices: [{ finish_reason: 'length' }] });
    const events = eventsOf((await chat({ stream: true })).rawPayload);
    expect(events.at(-2)).toMatchObject({ choices: [{ finish_reason: 'length' }] });
  });

  it('prepares an image once for n answers', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,iVBORw0=' } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'a' }, image] }];
    const seen: GenerateMessage[] = [];
    await chat({ n: 3, messages }, { script: keeping(seen) });
    expect(opened?.uploads).toEqual([Buffer.from('iVBORw0=', 'base64')]);
    expect(seen[0]?.images).toHaveLength(1);
    expect(seen[0]?.prompts).toHaveLength(3);
  });
});

describe('refusals of /v1/chat/completions', () => {
  it.each([
    ['temperature', { temperature: 'hot' }, 'temperature is "hot"; allowed is a number from 0 to 100.'],
    ['top_p', { top_p: 2 }, 'top_p is 2; allowed is a number from 0 to 1.'],
    ['n', { n: 0 }, 'n is 0; allowed is a whole number from 1 to 128.'],
    ['max_tokens', { max_tokens: 1.5 }, 'max_tokens is 1.5; allowed is a whole number from 1 to 2147483647.'],
    ['seed', { seed: 0.5 }, 'seed is 0.5; allowed is a whole number.'],
    ['stop[1]', { stop: ['a', ''] }, 'stop[1] is ""; allowed is a string of 1 to 256 characters'],
    ['stop', { stop: Array.from({ length: 17 }, () => 'a') }, 'stop is a list of 17'],
    ['logit_bias.x', { logit_bias: { x: 1 } }, 'logit_bias.x is 1; allowed is an object of up to 1024'],
    ['logit_bias.5', { logit_bias: { 5: 200 } }, 'numbers from -100 to 100'],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }, 'a whole number from 0 to 20'],
    ['logprobs', { top_logprobs: 2 }, 'logprobs is missing; allowed is true where top_logprobs is set.'],
    ['stream', { stream: 'yes' }, 'stream is "yes"; allowed is true or false.'],
    ['stream_options.include_usage', { stream_options: { include_usage: 1 } }, 'include_usage is 1'],
    ['messages', { messages: undefined }, 'messages is missing'],
    ['repetition_penalty', { repetition_penalty: 0 }, 'a number above 0, up to 100'],
  ])('names the field %s and what is allowed', async (param, fields, sentence) => {
    const response = await chat(fields);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      error: {
        message: expect.stringContaining(sentence) as unknown,
        type: 'invalid_request_error',
        param,
        code: 'request.field_invalid',
      },
    });
  });

  it.each([
    ['guided_grammar', { guided_grammar: 'root ::= "a"' }],
    ['structured_outputs', { structured_outputs: { regex: 'a' } }],
    ['audio', { audio: { voice: 'a' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['store', { store: true }],
    ['moderation', { moderation: { model: 'm' } }],
    ['functions', { functions: [] }],
    ['ignore_eos', { ignore_eos: true }],
  ])('says of %s that it is not supported', async (param, fields) => {
    const response = await chat(fields);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { param, code: 'request.not_supported' } });
  });

  it('says by min_tokens that it is more than the answer may have', async () => {
    const response = await chat({ min_tokens: 5, max_tokens: 4 });
    expect(response.json()).toMatchObject({ error: { param: 'min_tokens', code: 'request.out_of_range' } });
  });

  it('says by logprobs that they are more than an answer may hold', async () => {
    const asked = { logprobs: true, top_logprobs: 20, max_tokens: 4096 };
    expect((await chat({ ...asked, n: 3 })).statusCode).toBe(200);
    const response = await chat({ ...asked, n: 4 });
    expect(response.json()).toMatchObject({
      error: { param: 'logprobs', message: expect.stringContaining('344064 log probabilities') as unknown },
    });
  });

  it('says for a prompt that is too long what libraries look for', async () => {
    const script: Script = ({ requestId }, reader) =>
      reader.say({ kind: 'error', requestId, prompt: 0, code: 'request.does_not_fit', message: 'too long' });
    const response = await chat({ stream: true }, { script });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      error: {
        message: 'too long',
        type: 'invalid_request_error',
        param: null,
        code: 'context_length_exceeded',
      },
    });
  });

  it('ends a stream that fails with an error that libraries throw', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, 'a');
      reader.die();
    };
    const events = eventsOf((await chat({ stream: true }, { script })).rawPayload);
    expect(events.at(-1)).toEqual({
      error: {
        message: expect.stringContaining('reader ended') as unknown,
        type: 'server_error',
        param: null,
        code: 'reader.died',
      },
    });
  });

  it('says with a wrong key what libraries look for, and takes the right one', async () => {
    const wrong = await chat({}, { apiKey: 'secret-key' });
    expect([wrong.statusCode, wrong.json()]).toMatchObject([
      401,
      { error: { code: 'invalid_api_key', type: 'invalid_request_error', param: null } },
    ]);
  });

  it('says with Retry-After when a request may come again', async () => {
    const response = await chat({}, { maxOpenRequests: 0 });
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ error: { type: 'server_error', code: 'reader.queue_full' } });
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('says for a body that is no JSON, or no object, what it takes', async () => {
    opened = await scriptedApp();
    const post = (payload: string, type: string) =>
      opened!.app.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        payload,
        headers: { 'content-type': type },
      });
    expect((await post('{', 'application/json')).json()).toMatchObject({
      error: { code: 'request.invalid_json' },
    });
    expect((await post('[]', 'application/json')).json()).toMatchObject({
      error: {
        message: expect.stringContaining('The request is a list of 0; allowed is a JSON object') as unknown,
      },
    });
    const form = await post('a=b', 'application/x-www-form-urlencoded');
    expect([form.statusCode, form.json()]).toMatchObject([
      415,
      {
        error: {
          code: 'request.unsupported_media_type',
          message: expect.stringContaining('application/json') as unknown,
        },
      },
    ]);
  });
});

describe('addresses below /v1', () => {
  it('that do not exist are answered in the form of OpenAI, and others as before', async () => {
    const missing = await ask('/embeddings', {});
    expect(missing.statusCode).toBe(404);
    expect(missing.json()).toEqual({
      error: {
        message: 'There is no POST /v1/embeddings here.',
        type: 'invalid_request_error',
        param: null,
        code: 'request.not_found',
      },
    });
    const outside = await opened!.app.inject({ method: 'POST', url: '/v2' });
    expect(outside.json()).toEqual({
      error: { code: 'request.not_found', message: expect.any(String) as unknown },
    });
  });

  it('that cannot be read are answered in the form of OpenAI, too', async () => {
    opened = await scriptedApp();
    const { statusCode, payload } = await opened.app.inject('/v1/models/%FF');
    expect([statusCode, JSON.parse(payload)]).toEqual([
      400,
      {
        error: expect.objectContaining({
          type: 'invalid_request_error',
          code: 'request.malformed',
        }) as unknown,
      },
    ]);
    expect((await opened.app.inject('/tokenize/%FF')).json()).toEqual({
      error: { code: 'request.malformed', message: expect.any(String) as unknown },
    });
  });

  it('that do not exist are refused for that, whatever body is sent there', async () => {
    opened = await scriptedApp();
    const headers = { 'content-type': 'application/json', 'content-encoding': 'zstd' };
    for (const method of ['DELETE', 'PUT', 'POST'] as const) {
      const url = method === 'POST' ? '/v1/embeddings' : '/v1/completions';
      const { statusCode } = await opened.app.inject({ method, url, headers, payload: 'nul' });
      expect([method, url, statusCode]).toEqual([method, url, 404]);
    }
  });

  it('list the consumer groups as models, and describe one by its name or that of its model', async () => {
    opened = await scriptedApp();
    const get = async (path: string) => (await opened!.app.inject(`/v1${path}`)).json<unknown>();
    const entry = {
      id: 'primary',
      object: 'model',
      created: expect.any(Number) as unknown,
      owned_by: 'takeoff',
      root: 'demo',
    };
    expect(await get('/models')).toEqual({ object: 'list', data: [entry] });
    expect(await get('/models/primary')).toEqual(entry);
    expect(await get('/models/demo')).toEqual({ ...entry, id: 'demo' });
    expect(await get('/models/owner%2Fother')).toMatchObject({
      error: {
        code: 'model_not_found',
        param: 'model',
        message: expect.stringContaining('primary') as unknown,
      },
    });
    expect((await opened.app.inject('/v1/models/owner/other')).statusCode).toBe(404);
  });
});
