import { afterEach, describe, expect, it } from 'vitest';
import type { GenerateMessage, SamplingParameters } from '../../../link/requests/messages.js';
import { ScriptedReaders, silent, type Script } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';
import { jsonRequest, RawClients } from '../connection/raw-client.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function ask(path: string, payload: object, options: ScriptedAppOptions = {}) {
  opened ??= await scriptedApp(options);
  return opened.app.inject({ method: 'POST', url: `/api${path}`, payload });
}
async function get(path: string) {
  opened ??= await scriptedApp();
  return opened.app.inject({ method: 'GET', url: `/api${path}` });
}
const QUESTION = { model: 'primary', messages: [{ role: 'user', content: 'ab' }] };
const chat = (fields: object, options: ScriptedAppOptions = {}) =>
  ask('/chat', { ...QUESTION, ...fields }, options);
const generate = (fields: object, options: ScriptedAppOptions = {}) =>
  ask('/generate', { model: 'primary', prompt: 'ab', ...fields }, options);

const linesOf = (payload: string): unknown[] =>
  payload
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

const messages: GenerateMessage[] = [];
/** Keeps what a reader got. */
const keeping: Script = (message, reader) => {
  messages.push(message);
  message.prompts.forEach((_, prompt) => reader.done(message.requestId, prompt));
};
async function messageFor(path: string, body: object): Promise<GenerateMessage> {
  messages.length = 0;
  const { statusCode, payload } = await ask(path, body, { script: keeping });
  expect([statusCode, payload]).toEqual([200, expect.any(String)]);
  return messages[0]!;
}
const samplingFor = async (options: object): Promise<SamplingParameters> =>
  (await messageFor('/generate', { prompt: 'ab', options })).sampling;

const HEAD = {
  model: 'primary',
  created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/u) as unknown,
};
const END = {
  ...HEAD,
  done: true,
  done_reason: 'stop',
  total_duration: expect.any(Number) as unknown,
  load_duration: 0,
  prompt_eval_count: 7,
  prompt_eval_duration: expect.any(Number) as unknown,
  eval_count: 2,
  eval_duration: expect.any(Number) as unknown,
};
const saying = (content: string) => ({ message: { role: 'assistant', content } });
const PNG = Buffer.from('pixels').toString('base64');

describe('/api/chat', () => {
  it('streams lines of JSON unless it is told not to, the last one with what the answer cost', async () => {
    const { payload, headers } = await chat({});
    expect(headers['content-type']).toBe('application/x-ndjson');
    expect(payload.endsWith('\n')).toBe(true);
    expect(linesOf(payload)).toEqual([
      { ...HEAD, ...saying('a'), done: false },
      { ...HEAD, ...saying('b'), done: false },
      { ...END, ...saying('') },
    ]);
  });

  it('answers as a whole', async () => {
    expect((await chat({ stream: false })).json()).toEqual({ ...END, ...saying('ab') });
  });

  it('takes a conversation with images in front of their text, and results of tools', async () => {
    const { prompts } = await messageFor('/chat', {
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'What?', images: [PNG] },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ function: { name: 'look', arguments: { at: 1 } } }],
        },
        { role: 'tool', tool_name: 'look', content: 'a dog' },
        { role: 'user', content: 'And now?' },
      ],
    });
    expect(prompts).toEqual([
      {
        kind: 'conversation',
        system: 'Be short.',
        turns: [
          {
            role: 'user',
            parts: [
              { kind: 'image', image: 0 },
              { kind: 'text', text: 'What?' },
            ],
          },
          { role: 'assistant', parts: [{ kind: 'text', text: 'look({"at":1})' }] },
          {
            role: 'user',
            parts: [
              { kind: 'text', text: 'Result of look: a dog' },
              { kind: 'text', text: '\nAnd now?' },
            ],
          },
        ],
      },
    ]);
    expect(opened?.uploads).toEqual([Buffer.from('pixels')]);
  });

  it.each([
    ['no messages', { messages: undefined }],
    ['an empty list', { messages: [] }],
  ])('says of %s that the model is loaded, without asking it', async (_, fields) => {
    const { payload, headers } = await chat(fields);
    expect(headers['content-type']).toContain('application/json');
    expect(JSON.parse(payload)).toEqual({ ...HEAD, ...saying(''), done: true, done_reason: 'load' });
  });

  it('refuses tools, as Ollama does for models that know none', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: {} } }];
    const { statusCode, payload } = await chat({ tools });
    expect([statusCode, JSON.parse(payload)]).toMatchObject([400, { code: 'request.not_supported' }]);
    expect((await chat({ tools: [] })).statusCode).toBe(200);
  });

  it.each([
    ['images of an assistant', { role: 'assistant', content: 'a', images: [PNG] }, 'messages[0].images is'],
    ['a role of nobody', { role: 'critic', content: 'a' }, 'messages[0].role is "critic"'],
    ['content that is no text', { role: 'user', content: [] }, 'messages[0].content is a list of 0'],
    ['an image that is no base64', { role: 'user', images: ['%'] }, 'messages[0].images[0] is "%"'],
  ])('refuses %s by its name', async (_, message, said) => {
    const { statusCode, payload } = await chat({ messages: [message] });
    expect(statusCode).toBe(400);
    expect(JSON.parse(payload)).toEqual({
      error: expect.stringContaining(said) as unknown,
      code: 'request.field_invalid',
    });
  });
});

describe('/api/generate', () => {
  it('streams and answers with its text in response', async () => {
    expect(linesOf((await generate({})).payload)).toEqual([
      { ...HEAD, response: 'a', done: false },
      { ...HEAD, response: 'b', done: false },
      { ...END, response: '' },
    ]);
    expect((await generate({ stream: false })).json()).toEqual({ ...END, response: 'ab' });
  });

  it('renders a prompt with the template, behind its system text and its images', async () => {
    const { prompts } = await messageFor('/generate', {
      prompt: 'What?',
      system: 'Be short.',
      images: [`data:image/png;base64,${PNG}`],
    });
    expect(prompts).toEqual([
      {
        kind: 'conversation',
        system: 'Be short.',
        turns: [
          {
            role: 'user',
            parts: [
              { kind: 'image', image: 0 },
              { kind: 'text', text: 'What?' },
            ],
          },
        ],
      },
    ]);
  });

  it('leaves a raw prompt as it is', async () => {
    const { prompts } = await messageFor('/generate', { prompt: 'USER: a', raw: true });
    expect(prompts).toEqual([{ kind: 'raw', parts: [{ kind: 'text', text: 'USER: a' }] }]);
  });

  it('says of an empty prompt that the model is loaded, unless no reader is live', async () => {
    expect((await generate({ prompt: '' })).json()).toEqual({
      ...HEAD,
      response: '',
      done: true,
      done_reason: 'load',
    });
    await opened?.close();
    opened = await scriptedApp({}, Object.assign(new ScriptedReaders(), { card: null }));
    const { statusCode, payload } = await generate({ prompt: '' });
    expect([statusCode, JSON.parse(payload)]).toMatchObject([503, { code: 'group.unavailable' }]);
  });

  it.each([
    ['suffix', 'b'],
    ['template', '{{ .Prompt }}'],
    ['context', [1, 2]],
    ['think', true],
  ])('refuses %s, and takes one that asks for nothing', async (field, value) => {
    const { statusCode, payload } = await generate({ [field]: value });
    expect([statusCode, JSON.parse(payload)]).toMatchObject([400, { code: 'request.not_supported' }]);
    const nothing = { suffix: '', template: '', context: [], think: false }[field];
    expect((await generate({ [field]: nothing })).statusCode).toBe(200);
  });
});

describe('options of the Ollama API', () => {
  it("have Ollama's defaults", async () => {
    expect(await samplingFor({})).toMatchObject({
      temperature: 0.8,
      topK: 40,
      topP: 0.9,
      minP: 0,
      repetitionPenalty: 1,
      maxNewTokens: 1024,
      seed: null,
      stop: [],
    });
  });

  it('become those of the link', async () => {
    const options = {
      ...{ temperature: 0, top_k: 5, top_p: 0.5, min_p: 0.1, repeat_penalty: 1.2 },
      ...{ frequency_penalty: 0.3, presence_penalty: -0.4, num_predict: 12, seed: 7, stop: ['.', '\n'] },
      ...{ num_ctx: 4096, num_thread: 2, mirostat: 0, typical_p: 1 },
    };
    expect(await samplingFor(options)).toMatchObject({
      ...{ temperature: 0, topK: 5, topP: 0.5, minP: 0.1, repetitionPenalty: 1.2 },
      ...{ frequencyPenalty: 0.3, presencePenalty: -0.4, maxNewTokens: 12, seed: 7, stop: ['.', '\n'] },
    });
  });

  it.each([-3, -1, 0])('with num_predict %i leave the longest answer to the server', async (longest) => {
    expect(await samplingFor({ num_predict: longest })).toMatchObject({ maxNewTokens: 1024 });
  });

  it('with a seed below zero draw each answer anew', async () => {
    expect(await samplingFor({ seed: -1 })).toMatchObject({ seed: null });
  });

  it.each([
    ['temperature', 'hot', 'options.temperature is "hot"'],
    ['num_predict', 1.5, 'options.num_predict is 1.5'],
    ['stop', 5, 'options.stop is 5'],
    ['mirostat', 2, 'options.mirostat is not supported'],
  ])('refuse %s by its name', async (option, value, said) => {
    const { statusCode, payload } = await generate({ options: { [option]: value } });
    expect(statusCode).toBe(400);
    expect(JSON.parse(payload)).toMatchObject({ error: expect.stringContaining(said) as unknown });
  });
});

describe('format of the Ollama API', () => {
  it.each([
    ['a schema', { type: 'array' }, '{"type":"array"}'],
    ['"json"', 'json', '{"type":"object"}'],
  ])('as %s binds the answer', async (_, format, schema) => {
    const { constraint } = await messageFor('/chat', { ...QUESTION, format });
    expect(constraint).toEqual({ kind: 'json_schema', field: 'format', schema });
  });

  it('as an empty text binds nothing, and as another word is refused', async () => {
    expect((await messageFor('/chat', { ...QUESTION, format: '' })).constraint).toBeNull();
    expect((await chat({ format: 'yaml' })).json()).toMatchObject({
      error: 'format is "yaml"; allowed is "json", or a JSON Schema as an object.',
    });
  });
});

it('log probabilities come with the pieces of a stream, and all together with a whole answer', async () => {
  const logprob = { bytes: Uint8Array.of(97), logprob: -0.5, top: [] };
  const script: Script = (message, reader) => {
    reader.say({ kind: 'token', requestId: message.requestId, prompt: 0, text: 'a', logprobs: [logprob] });
    reader.done(message.requestId);
  };
  const told = [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [] }];
  const [first, last] = linesOf((await generate({ logprobs: true }, { script })).payload);
  expect(first).toMatchObject({ response: 'a', logprobs: told });
  expect(last).not.toHaveProperty('logprobs');
  expect((await generate({ logprobs: true, stream: false })).json()).toMatchObject({ logprobs: told });
});

describe('bodies of the Ollama API', () => {
  const send = async (headers: Record<string, string>) => {
    opened ??= await scriptedApp();
    const payload = JSON.stringify({ ...QUESTION, stream: false });
    return opened.app.inject({ method: 'POST', url: '/api/chat', headers, payload });
  };

  it.each(['application/x-www-form-urlencoded', 'text/plain'])(
    'are JSON where %s is declared, as curl does by itself, but not from a page',
    async (type) => {
      expect((await send({ 'content-type': type })).json()).toMatchObject(saying('ab'));
      const { statusCode } = await send({ 'content-type': type, origin: 'https://evil.example' });
      expect(statusCode).toBe(415);
    },
  );
});

describe('a stream of the Ollama API', () => {
  it('has no character at which readers of lines break lines, but those between its lines', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, 'a\u2028b\u2029c\u0085d');
      reader.done(requestId);
    };
    const { payload } = await chat({}, { script });
    expect(payload).not.toMatch(/[\u0085\u2028\u2029]/u);
    expect(linesOf(payload)[0]).toMatchObject(saying('a\u2028b\u2029c\u0085d'));
  });

  it('that fails ends with a line of its error', async () => {
    const script: Script = (message, reader) => {
      const { requestId } = message;
      reader.token(requestId, 'a');
      reader.say({ kind: 'error', requestId, prompt: 0, code: 'request.does_not_fit', message: 'Too long.' });
    };
    const { statusCode, payload } = await chat({}, { script });
    expect(statusCode).toBe(200);
    expect(linesOf(payload).at(-1)).toEqual({ error: 'Too long.', code: 'request.does_not_fit' });
  });

  it('without a token says that it lives with pieces of no text', async () => {
    const clients = new RawClients();
    opened = await scriptedApp({ script: silent, limits: { streamCommentIntervalMs: 20 } });
    const client = await clients.connect(opened.app);
    client.write(jsonRequest('/api/chat', QUESTION));
    await client.untilReceived(/"content":""\},"done":false\}\n/u);
    clients.end();
  });
});

describe('models of the Ollama API', () => {
  const ENTRY = {
    name: 'primary:latest',
    model: 'primary:latest',
    size: 0,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/u) as unknown,
  };

  it('are the consumer groups, with a tag', async () => {
    const { models } = (await get('/tags')).json<{ models: unknown[] }>();
    expect(models).toMatchObject([ENTRY]);
    expect((await get('/ps')).json()).toMatchObject({ models: [{ ...ENTRY, size_vram: 0 }] });
  });

  it.each(['primary', 'primary:latest', 'llava:7b'])(
    'can be asked as %s, and answer to that name',
    async (model) => {
      expect((await chat({ model, stream: false })).json()).toMatchObject({ model, ...saying('ab') });
    },
  );

  it('are told by the name of their group where the one that is asked would fill every line of a stream', async () => {
    expect((await chat({ model: 'x'.repeat(10_000), stream: false })).json()).toMatchObject({
      model: 'primary',
    });
  });

  it('tell whether they see images', async () => {
    for (const body of [{ model: 'primary' }, { name: 'primary:latest' }])
      expect((await ask('/show', body)).json()).toMatchObject({ capabilities: ['completion', 'vision'] });
  });

  it('tell their architecture and context, and no path of the machine', async () => {
    const { model_info: info } = (await ask('/show', { model: 'primary' })).json<{ model_info: object }>();
    const architecture = Object.values(info)[0] as string;
    expect(info).toEqual({
      'general.architecture': architecture,
      [`${architecture}.context_length`]: expect.any(Number) as unknown,
    });
  });

  it('have the version of an API that is known', async () => {
    expect((await get('/version')).json()).toEqual({ version: '0.12.11' });
  });
});

it("addresses of the Ollama API that are not there are refused in Ollama's form", async () => {
  const { statusCode, payload } = await ask('/embed', { model: 'primary', input: 'a' });
  expect(statusCode).toBe(404);
  expect(JSON.parse(payload)).toEqual({
    error: 'There is no POST /api/embed here.',
    code: 'request.not_found',
  });
});
