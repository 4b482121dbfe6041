import { afterEach, describe, expect, it } from 'vitest';
import { SseDecoder } from 'takeoff-wire';
import type { GenerateMessage } from '../../../link/requests/messages.js';
import { silent, type Script } from '../../readers/scripted-reader.fixture.js';
import { jsonRequest, RawClients } from '../connection/raw-client.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const ASKED = { model: 'primary', max_tokens: 9, messages: [{ role: 'user', content: 'ab' }] };
async function ask(fields: object, options: ScriptedAppOptions = {}, path = '') {
  opened ??= await scriptedApp(options);
  return opened.app.inject({
    method: 'POST',
    url: `/v1/messages${path}`,
    payload: { ...ASKED, ...fields },
  });
}

const messages: GenerateMessage[] = [];
/** Keeps what a reader got. */
const keeping: Script = (message, reader) => {
  messages.push(message);
  message.prompts.forEach((_, prompt) => reader.done(message.requestId, prompt));
};
async function messageFor(fields: object): Promise<GenerateMessage> {
  messages.length = 0;
  const { statusCode, payload } = await ask(fields, { script: keeping });
  expect([statusCode, payload]).toEqual([200, expect.any(String)]);
  return messages[0]!;
}
/** Answers with a text, in pieces of three characters. */
const saying =
  (text: string): Script =>
  ({ requestId }, reader) => {
    for (const piece of text.match(/.{1,3}/gsu) ?? []) reader.token(requestId, piece);
    reader.done(requestId);
  };

const eventsOf = (payload: Buffer) =>
  new SseDecoder().push(payload).map(({ name, data }): unknown => {
    const event = JSON.parse(data) as { type: string };
    expect(event.type).toBe(name);
    return event;
  });

const NO_USAGE = {
  input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 0,
};
const USAGE = { ...NO_USAGE, input_tokens: 6, cache_read_input_tokens: 1, output_tokens: 2 };
const MESSAGE = {
  id: expect.stringMatching(/^msg_[0-9a-f]{32}$/u) as unknown,
  type: 'message',
  role: 'assistant',
  model: 'primary',
  content: [{ type: 'text', text: 'ab' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: USAGE,
};
const PNG = Buffer.from('pixels').toString('base64');
const IMAGE = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
const text = (said: string) => ({ type: 'text', text: said });

describe('/v1/messages', () => {
  it('answers a conversation, and tells the id of the request', async () => {
    const response = await ask({});
    expect(response.json()).toEqual(MESSAGE);
    expect(response.headers['request-id']).toBe(response.headers['x-request-id']);
  });

  it('streams an answer as events, its cost last', async () => {
    const { rawPayload, headers } = await ask({ stream: true });
    expect(headers['content-type']).toContain('text/event-stream');
    const delta = (said: string) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: said },
    });
    expect(eventsOf(rawPayload)).toEqual([
      {
        type: 'message_start',
        message: { ...MESSAGE, content: [], stop_reason: null, usage: NO_USAGE },
      },
      { type: 'content_block_start', index: 0, content_block: text('') },
      delta('a'),
      delta('b'),
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: USAGE,
      },
      { type: 'message_stop' },
    ]);
  });

  it('answers without text with a message of no block, whole and streamed', async () => {
    expect((await ask({}, { script: keeping })).json()).toMatchObject({ content: [] });
    const events = eventsOf((await ask({ stream: true })).rawPayload);
    expect(events.map((event) => (event as { type: string }).type)).toEqual([
      'message_start',
      'message_delta',
      'message_stop',
    ]);
  });

  it('says that an answer was cut', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, 'a');
      reader.done(requestId, 0, 'length');
    };
    expect((await ask({}, { script })).json()).toMatchObject({ stop_reason: 'max_tokens' });
  });

  it('takes system texts, images, calls and results of tools', async () => {
    const { prompts, sampling } = await messageFor({
      system: [text('Be short.'), { ...text('Be kind.'), cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: [text('What?'), IMAGE] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: '' },
            { type: 'tool_use', id: 't1', name: 'look', input: { at: 1 } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: [text('a dog')] }] },
        { role: 'system', content: 'Be quick.' },
        { role: 'assistant', content: [] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: [] },
            { type: 'tool_result', tool_use_id: 't2', is_error: true, content: 'No eyes.' },
          ],
        },
      ],
      stop_sequences: ['.'],
      top_k: 5,
    });
    expect(prompts).toEqual([
      {
        kind: 'conversation',
        system: 'Be short.\nBe kind.\n\nBe quick.',
        turns: [
          {
            role: 'user',
            parts: [
              { kind: 'image', image: 0 },
              { kind: 'text', text: 'What?' },
            ],
          },
          { role: 'assistant', parts: [{ kind: 'text', text: 'look({"at":1})' }] },
          { role: 'user', parts: [{ kind: 'text', text: 'Result of look: a dog' }] },
          { role: 'assistant', parts: [] },
          {
            role: 'user',
            parts: [
              { kind: 'text', text: 'Result of look: ' },
              { kind: 'text', text: '\nError of the tool: No eyes.' },
            ],
          },
        ],
      },
    ]);
    expect(sampling).toMatchObject({ temperature: 1, topK: 5, stop: ['.'], maxNewTokens: 9 });
    expect(opened?.uploads).toEqual([Buffer.from('pixels')]);
  });

  it.each([
    ['a schema', { output_config: { format: { type: 'json_schema', schema: { type: 'array' } } } }],
    ['a schema by its older name', { output_format: { type: 'json_schema', schema: { type: 'array' } } }],
    ['nothing', { thinking: { type: 'disabled' }, tools: [], mcp_servers: [] }],
  ])('is bound to %s', async (_, fields) => {
    const { constraint } = await messageFor(fields);
    if ('tools' in fields) expect(constraint).toBeNull();
    else expect(constraint).toMatchObject({ kind: 'json_schema', schema: '{"type":"array"}' });
  });

  it.each([
    [{ messages: undefined }, 'messages is missing'],
    [{ messages: [{ role: 'critic', content: 'a' }] }, 'messages[0].role is "critic"'],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_use' }] }] }, 'messages[0].content[0].type is'],
    [{ messages: [{ role: 'user', content: [{ type: 'document' }] }] }, 'no block of type document'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] },
      'messages[0].content[0].source.type is "file"',
    ],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, 'thinking is not supported'],
    [{ stop_sequences: [5] }, 'stop_sequences[0] is 5'],
    [{ tools: [{ type: 'web_search_20260101', name: 'web_search' }] }, 'tools[0].type is not supported'],
    [{ tool_choice: { type: 'tool', name: 'look' } }, 'tool_choice.name is "look"'],
  ])("refuses %j in Anthropic's form", async (fields, said) => {
    const { statusCode, payload } = await ask(fields);
    expect(statusCode).toBe(400);
    expect(JSON.parse(payload)).toEqual({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: expect.stringContaining(said) as unknown,
        code: expect.stringMatching(/^request\./u) as unknown,
      },
    });
  });

  it('tells a stream that fails with an event of its error', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, 'a');
      reader.say({ kind: 'error', requestId, prompt: 0, code: 'reader.died', message: 'It died.' });
    };
    expect(eventsOf((await ask({ stream: true }, { script })).rawPayload).at(-1)).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: 'It died.', code: 'reader.died' },
    });
  });

  it('keeps a stream without a token alive with pings', async () => {
    const clients = new RawClients();
    opened = await scriptedApp({ script: silent, limits: { streamCommentIntervalMs: 20 } });
    const client = await clients.connect(opened.app);
    client.write(jsonRequest('/v1/messages', { ...ASKED, stream: true }));
    await client.untilReceived(/event: ping\ndata: \{"type":"ping"\}\n\n/u);
    clients.end();
  });
});

describe('tools of /v1/messages', () => {
  const look = { name: 'look', input_schema: { type: 'object', properties: { at: { type: 'integer' } } } };
  const count = { type: 'custom', name: 'count', description: 'Counts.' };
  const id = expect.stringMatching(/^toolu_[0-9a-f]{32}$/u) as unknown;
  const call = (input: object) => ({ type: 'tool_use', id, name: 'look', input });

  it('are left alone by an answer of text, unless one is to be used', async () => {
    for (const type of ['auto', 'none'])
      expect((await messageFor({ tools: [look], tool_choice: { type } })).constraint).toBeNull();
  });

  it('are used where one is named: its input is the answer', async () => {
    const fields = { tools: [look, count], tool_choice: { type: 'tool', name: 'look' } };
    expect((await ask(fields, { script: saying('{"at":1}') })).json()).toMatchObject({
      content: [call({ at: 1 })],
      stop_reason: 'tool_use',
    });
    const events = eventsOf((await ask({ ...fields, stream: true })).rawPayload);
    expect(events[1]).toEqual({ type: 'content_block_start', index: 0, content_block: call({}) });
    const pieces = events.flatMap((event) => {
      const { delta } = event as { delta?: { partial_json?: string } };
      return delta?.partial_json ?? [];
    });
    expect(pieces.join('')).toBe('{"at":1}');
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' } });
  });

  it('are used without the stop sequences of text, which would cut their input', async () => {
    const fields = { tools: [look], tool_choice: { type: 'any' }, stop_sequences: ['}'] };
    expect((await messageFor(fields)).sampling.stop).toEqual([]);
  });

  it('are used where any is to be: the answer names it', async () => {
    const fields = { tools: [look, count], tool_choice: { type: 'any' } };
    const script = saying('{"name":"look","arguments":{"at":1}}');
    expect((await ask(fields, { script })).json()).toMatchObject({ content: [call({ at: 1 })] });
    const events = eventsOf((await ask({ ...fields, stream: true })).rawPayload);
    expect(events[1]).toEqual({ type: 'content_block_start', index: 0, content_block: call({}) });
  });

  it('have an input as far as an answer that was cut has one', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, '{"at":');
      reader.done(requestId, 0, 'length');
    };
    const fields = { tools: [look], tool_choice: { type: 'any' } };
    expect((await ask(fields, { script })).json()).toMatchObject({
      content: [call({})],
      stop_reason: 'max_tokens',
    });
  });
});

describe("the key of Anthropic's clients", () => {
  it('is taken from x-api-key', async () => {
    opened = await scriptedApp({ apiKey: 'secret' });
    const send = (key: string) =>
      opened!.app.inject({
        method: 'POST',
        url: '/v1/messages',
        headers: { 'x-api-key': key },
        payload: ASKED,
      });
    expect((await send('secret')).statusCode).toBe(200);
    const both = { 'x-api-key': 'secret', authorization: 'Bearer other' };
    const request = { method: 'POST', url: '/v1/messages', headers: both, payload: ASKED } as const;
    expect((await opened.app.inject(request)).statusCode).toBe(200);
    const { statusCode, payload } = await send('wrong');
    expect([statusCode, JSON.parse(payload)]).toMatchObject([401, { error: { code: 'auth.required' } }]);
  });
});

it('/v1/messages/count_tokens counts without an answer', async () => {
  messages.length = 0;
  const { statusCode, payload } = await ask({}, { script: keeping }, '/count_tokens');
  expect([statusCode, JSON.parse(payload)]).toEqual([200, { input_tokens: expect.any(Number) as unknown }]);
  expect(messages).toEqual([]);
});

it("addresses below /v1/messages that are not there are refused in Anthropic's form, others in OpenAI's", async () => {
  expect((await ask({}, {}, '/batches')).json()).toMatchObject({
    type: 'error',
    error: { type: 'not_found_error', code: 'request.not_found' },
  });
  const other = await opened!.app.inject({ method: 'POST', url: '/v1/nothing' });
  expect(other.json()).toMatchObject({ error: { code: 'request.not_found', param: null } });
});
