import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  InvalidInputError,
  TakeoffApiError,
  TakeoffConnectionError,
  TakeoffTimeoutError,
  UnexpectedAnswerError,
} from './errors.js';
import { TakeoffClient } from './index.js';
import type { ClientOptions } from './options.js';
import {
  answer,
  failure,
  formOf,
  METADATA,
  PARSED_METADATA,
  refused,
  type Scripted,
  ScriptedFetch,
} from './scripted-fetch.fixture.js';

function scripted(script: readonly Scripted[], options: ClientOptions = {}) {
  const server = new ScriptedFetch(...script);
  return { server, client: new TakeoffClient({ ...options, fetch: server.fetch }) };
}

/** Lets fake time pass until the call has ended, however long reading its image takes in real time. */
async function whileTimePasses(call: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const ended = call.finally(() => over.abort());
  while (!over.signal.aborted) await vi.advanceTimersByTimeAsync(250);
  await ended;
}

describe('TakeoffClient.generate', () => {
  it('sends the prompt as JSON and returns the text', async () => {
    const { server, client } = scripted([answer({ text: 'yes' })]);
    expect(await client.generate('a?', { maxNewTokens: 5 })).toEqual({ text: 'yes' });
    expect(server.calls[0]?.url).toBe('http://localhost:3000/generate');
    expect(server.calls[0]?.init).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    expect(server.json()).toEqual({ text: 'a?', max_new_tokens: 5 });
  });

  it('returns a list of texts for a list of prompts, with metadata when asked for', async () => {
    const { client } = scripted([answer({ text: ['x', 'y'], metadata: [METADATA, METADATA] })]);
    expect(await client.generate(['a', 'b'], { returnMetadata: true })).toEqual({
      text: ['x', 'y'],
      metadata: [PARSED_METADATA, PARSED_METADATA],
    });
  });

  it('hands the warnings of the server over, where they are a list of texts', async () => {
    const warned = (warnings: unknown) => answer({ text: 'x', metadata: { ...METADATA, warnings } });
    const { client } = scripted([warned(['w']), warned('w')]);
    expect((await client.generate('a', { returnMetadata: true })).metadata).toEqual({
      ...PARSED_METADATA,
      warnings: ['w'],
    });
    expect((await client.generate('a', { returnMetadata: true })).metadata).toEqual(PARSED_METADATA);
  });

  it('sends an image to /image_generate, as the parts json_data and image_data', async () => {
    const { server, client } = scripted([answer({ text: 'yes', metadata: METADATA })]);
    const image = new Uint8Array([1, 2, 3]);
    expect(await client.generate('a?', { image, returnMetadata: true })).toEqual({
      text: 'yes',
      metadata: PARSED_METADATA,
    });
    const [call] = server.calls;
    expect(call?.url).toBe('http://localhost:3000/image_generate');
    if (call === undefined) throw new TypeError('no call');
    const form = await formOf(call);
    const json = form.get('json_data');
    expect(typeof json === 'string' && JSON.parse(json)).toEqual({ text: 'a?', return_metadata: true });
    const part = form.get('image_data');
    expect(part instanceof File && new Uint8Array(await part.arrayBuffer())).toEqual(image);
  });

  it('sends bytes as bytes, as they are when it is called, and leaves the form of anything else to the runtime', async () => {
    const { server, client } = scripted([answer({ text: '' }), answer({ text: '' })]);
    const image = new Uint8Array([1, 2, 3]);
    const call = client.generate('a', { image });
    image.fill(7);
    await call;
    await client.generate('a', { image: new Blob([image]) });
    const [asBytes, asForm] = server.calls;
    if (asBytes === undefined || asForm === undefined) throw new TypeError('no calls');
    expect(asBytes.init.body).toBeInstanceOf(Uint8Array);
    const part = (await formOf(asBytes)).get('image_data');
    expect(part instanceof File && [...new Uint8Array(await part.arrayBuffer())]).toEqual([1, 2, 3]);
    expect(asForm.init.body).toBeInstanceOf(FormData);
    // The runtime writes the boundary into it.
    expect(asForm.init.headers).not.toHaveProperty('content-type');
  });

  it('sends no request when an argument is invalid', async () => {
    const { server, client } = scripted([]);
    await expect(client.generate('a', { image: 'https://a.example/b.png' })).rejects.toThrow(
      InvalidInputError,
    );
    await expect(client.generate('a', { image: 'file.png' })).rejects.toThrow('this runtime reads no files');
    await expect(client.generate('a', { timeoutMs: -1 })).rejects.toThrow('timeoutMs is -1');
    expect(server.calls).toHaveLength(0);
  });

  it('sends the API key and follows no redirect', async () => {
    const { server, client } = scripted([answer({ text: '' })], { apiKey: 'k' });
    await client.generate('a');
    expect(server.calls[0]?.init).toMatchObject({
      headers: { authorization: 'Bearer k' },
      redirect: 'error',
    });
  });

  it.each([
    [
      'HTML of another program',
      new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      'text/html',
    ],
    ['JSON of another API', answer({ choices: [] }), 'has not a "text"'],
    ['a list of texts for a single prompt', answer({ text: ['a'] }), 'has not a "text"'],
    [
      'the error page of a proxy',
      new Response('Bad Gateway', { status: 502 }),
      'status 502 and is not one of a Takeoff server',
    ],
  ])('rejects with UnexpectedAnswerError for %s', async (_, response, sentence) => {
    const { client } = scripted([response]);
    const refusal = client.generate('a');
    await expect(refusal).rejects.toThrow(UnexpectedAnswerError);
    await expect(refusal).rejects.toThrow(sentence);
  });

  it('rejects with code, message, status and request id of an error answer', async () => {
    const { client } = scripted([failure(400, 'image.undecodable', { 'x-request-id': 'r7' })]);
    const error: unknown = await client.generate('a').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TakeoffApiError);
    expect(error).toMatchObject({
      name: 'TakeoffApiError',
      status: 400,
      code: 'image.undecodable',
      message: 'because of image.undecodable',
      requestId: 'r7',
      retryAfterMs: undefined,
    });
  });
});

describe('TakeoffClient and retries', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends a request again that was refused a connection, or got a 503 with Retry-After', async () => {
    const { server, client } = scripted([
      refused(),
      failure(503, 'reader.queue_full', { 'retry-after': '4' }),
      answer({ text: 'yes' }),
    ]);
    const call = client.generate('a');
    await vi.advanceTimersByTimeAsync(250);
    expect(server.calls).toHaveLength(2);
    // The first pause was 125 to 250 ms, so the third call is 4125 to 4500 ms after the first.
    await vi.advanceTimersByTimeAsync(3874);
    expect(server.calls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(376);
    expect(await call).toEqual({ text: 'yes' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends the same image with a retry, also one that was given as a stream', async () => {
    const { server, client } = scripted([refused(), answer({ text: 'yes' })]);
    const image = new Blob([new Uint8Array([5])]).stream();
    await whileTimePasses(client.generate('a', { image }));
    const parts = server.calls.map(
      ({ init: { body } }) => body instanceof FormData && body.get('image_data'),
    );
    expect(parts.map((part) => part instanceof File && part.size)).toEqual([1, 1]);
  });

  it('retries as often as `retries` says, then rejects with the last failure', async () => {
    const { server, client } = scripted([refused(), refused(), refused(), refused()], { retries: 3 });
    const call = client.generate('a').catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    expect(await call).toMatchObject({ name: 'TakeoffConnectionError', code: 'client.connection_refused' });
    expect(server.calls).toHaveLength(4);
  });

  it.each([
    ['a 503 without Retry-After', failure(503, 'reader.died')],
    ['a connection that broke', new TypeError('fetch failed', { cause: new TypeError('other side closed') })],
    ['a 500', failure(500, 'server.internal')],
  ])('sends nothing again after %s', async (_, scriptedFailure) => {
    const { server, client } = scripted([scriptedFailure, answer({ text: 'yes' })]);
    const call = client.generate('a').catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    expect(await call).toBeInstanceOf(Error);
    expect(server.calls).toHaveLength(1);
  });

  it('sends nothing again after the head of an answer has arrived', async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new TypeError('terminated'));
      },
    });
    const { server, client } = scripted([new Response(body), answer({ text: 'yes' })]);
    const call = client.generate('a').catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    expect(await call).toBeInstanceOf(TakeoffConnectionError);
    expect(server.calls).toHaveLength(1);
  });

  it('sends nothing again when the caller aborts during the pause', async () => {
    const controller = new AbortController();
    const { server, client } = scripted([refused(), answer({ text: 'yes' })]);
    const call = client.generate('a', { signal: controller.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1);
    controller.abort('enough');
    expect(await call).toBe('enough');
    expect(server.calls).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects with TakeoffTimeoutError after a silence of timeoutMs, and leaves no timer', async () => {
    const { client } = scripted(['silence'], { timeoutMs: 5000 });
    const call = client.generate('a').catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(4999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toBeInstanceOf(TakeoffTimeoutError);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no limit to silence when timeoutMs is 0', async () => {
    const controller = new AbortController();
    const { client } = scripted(['silence']);
    const call = client
      .generate('a', { timeoutMs: 0, signal: controller.signal })
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2 ** 31);
    controller.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
  });
});

describe('TakeoffClient and the AbortSignal of a call', () => {
  it('sends no request when the signal is aborted already', async () => {
    const reason = new RangeError('no');
    const { server, client } = scripted([answer({ text: 'yes' })]);
    await expect(client.generate('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.calls).toHaveLength(0);
  });

  it('removes its listener from the signal when the call is over', async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const { client } = scripted([answer({ text: 'yes' })]);
    await client.generate('a', { signal });
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls.map(([, listener]) => listener)).toContain(added.mock.calls[0]?.[1]);
  });
});

describe('TakeoffClient.healthy', () => {
  it.each<[boolean, string, Scripted]>([
    [true, 'a server with a model', answer({ status: 'ok' })],
    [false, 'a server that is still loading', failure(503, 'server.not_ready', { 'retry-after': '1' })],
    [false, 'no server at all', refused()],
  ])('is %s for %s, without a second try', async (expected, _, reply) => {
    const { server, client } = scripted([reply]);
    expect(await client.healthy()).toBe(expected);
    expect(server.calls).toHaveLength(1);
  });

  it('rejects when the answer is not that of a Takeoff server', async () => {
    const { client } = scripted([new Response('', { status: 404 })]);
    await expect(client.healthy()).rejects.toThrow(UnexpectedAnswerError);
  });
});

describe('TakeoffClient.status and managementStatus', () => {
  const reader = {
    model_name: 'm',
    model_type: 't',
    device: 'cpu',
    consumer_groups: ['primary'],
    max_batch_size: 8,
  };
  const details = {
    ...reader,
    consumer_name: 'r',
    pids: [4],
    detail: 'live',
    device_reason: '',
    restarts: 0,
    open_prompts: 0,
  };

  const groups = { consumer_groups: { primary: { ready: true } } };

  it('returns the answer of /status, unknown fields of newer servers included', async () => {
    const body = {
      live_readers: { r: { ...reader, loras: [] } },
      dead_readers: {},
      ...groups,
      ports: [1, 2],
      more: 1,
    };
    const { server, client } = scripted([answer(body)]);
    expect(await client.status()).toEqual(body);
    expect(server.calls[0]?.url).toBe('http://localhost:3000/status');
  });

  it('asks /status of the management port for managementStatus', async () => {
    const readers = { live_readers: { r: details }, dead_readers: {}, loading_readers: {}, ...groups };
    const beat = { heartbeat_timestamp: 1.5, heartbeat_wait_interval: 1 };
    const body = { config: { port: 3000 }, status: { ...readers, last_heartbeat: { r: beat } } };
    const { server, client } = scripted([answer(body)], { port: 8000 });
    expect(await client.managementStatus()).toEqual(body);
    expect(server.calls[0]?.url).toBe('http://localhost:8001/status');
  });

  it('knows no groups of a server that does not tell them', async () => {
    const [status, management] = [
      { live_readers: {}, dead_readers: {}, ports: [] },
      { config: {}, status: { live_readers: {}, dead_readers: {}, loading_readers: {} } },
    ];
    expect(await scripted([answer(status)]).client.status()).toEqual({ ...status, consumer_groups: {} });
    expect((await scripted([answer(management)]).client.managementStatus()).status.consumer_groups).toEqual(
      {},
    );
  });

  it('refuses groups of another shape', async () => {
    const status = { live_readers: {}, dead_readers: {}, consumer_groups: { primary: {} }, ports: [] };
    await expect(scripted([answer(status)]).client.status()).rejects.toThrow(UnexpectedAnswerError);
  });

  it('asks whether managementPort is right when the inference port answers', async () => {
    const { client } = scripted([answer({ live_readers: {}, dead_readers: {}, ports: [] })]);
    await expect(client.managementStatus()).rejects.toThrow('is managementPort right?');
  });
});

it.each([[{ retries: -1 }], [{ retries: 0.5 }], [{ timeoutMs: NaN }], [{ baseUrl: '' }]])(
  'TakeoffClient refuses the options %j',
  (options) => {
    expect(() => new TakeoffClient(options)).toThrow(InvalidInputError);
  },
);
