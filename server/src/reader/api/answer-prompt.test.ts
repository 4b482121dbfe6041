import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterError } from '../../errors.js';
import { GREEDY } from '../../link/requests/greedy.js';
import type { GenerateMessage, RequestEvent, SamplingParameters } from '../../link/requests/messages.js';
import { answerPrompt } from './answer-prompt.js';
import { apiBaseOf } from './cluster-address.js';
import { ClusterHttp } from './cluster-http.js';
import { ClusterRoom } from './cluster-room.js';
import {
  chunk,
  json,
  open,
  say,
  ScriptedCluster,
  stream,
  usage,
  type Script,
} from './scripted-cluster.fixture.js';

const KEY = 'sk-hidden';
const messageOf = (sampling: Partial<SamplingParameters> = {}): GenerateMessage => ({
  kind: 'generate',
  requestId: 'r',
  prompts: [
    {
      kind: 'conversation',
      system: null,
      turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello.' }] }],
    },
  ],
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: { ...GREEDY, ...sampling },
  constraint: null,
});

describe('answering a prompt from a cluster', () => {
  let cluster: ScriptedCluster;
  let http: ClusterHttp;
  beforeEach(async () => {
    cluster = await ScriptedCluster.start();
    http = new ClusterHttp({ base: apiBaseOf(cluster.url), apiKey: KEY, maxIdleConnections: 2 });
  });
  afterEach(async () => {
    http.close();
    await cluster.stop();
  });

  async function ask({
    signal = new AbortController().signal,
    sampling = {},
    busyTimeoutMs = 60_000,
    base = apiBaseOf(cluster.url),
    onEvent = undefined as ((event: RequestEvent) => void) | undefined,
  } = {}) {
    const events: RequestEvent[] = [];
    const nowMs = (): number => performance.now();
    const code = await answerPrompt(
      {
        ...{ http, base, apiKey: KEY, busyTimeoutMs, nowMs },
        facts: { model: 'm', dialect: 'vllm', contextTokens: 4096 },
        room: new ClusterRoom({ nowMs, random: () => 1 }),
        send: (event) => {
          events.push(event);
          onEvent?.(event);
        },
        onSign: () => undefined,
      },
      { message: messageOf(sampling), prompt: 0, signal },
    );
    expect(events.filter(({ kind }) => kind !== 'token')).toHaveLength(1);
    expect(events.at(-1)?.kind).not.toBe('token');
    expect(JSON.stringify(events)).not.toContain(KEY);
    const text = events.map((event) => (event.kind === 'token' ? event.text : '')).join('');
    return { code, text, events, end: events.at(-1) };
  }

  /** How many connections one more prompt takes: the end of the body before may still be on its way. */
  async function newConnections(): Promise<number> {
    const before = cluster.connectionCount;
    await ask();
    return cluster.connectionCount - before;
  }

  it('passes the stream on, with its end and what it cost', async () => {
    cluster.chat(stream(chunk(''), chunk('Hel'), chunk('lo'), chunk('', 'length'), usage(9, 2, 4)));
    const { text, end, code } = await ask();
    expect(text).toBe('Hello');
    expect(code).toBeNull();
    expect(end).toMatchObject({
      kind: 'done',
      finishReason: 'length',
      usage: { promptTokens: 9, generatedTokens: 2, cachedTokens: 4, imageTokens: 0 },
    });
    expect(cluster.asked[0]).toMatchObject({
      headers: { authorization: `Bearer ${KEY}`, 'x-request-id': 'r' },
      body: { stream_options: { include_usage: true } },
    });
  });

  it('keeps the connection for the next prompt', async () => {
    cluster.chat(stream(chunk('a', 'stop'), usage(1, 1)));
    await expect.poll(newConnections).toBe(0);
  });

  it('asks once more where a kept connection had been closed', async () => {
    cluster.chat(stream(chunk('a', 'stop')));
    await expect.poll(newConnections).toBe(0);
    // What is behind the end of the answer has arrived by then.
    await delay(50);
    await new Promise(setImmediate);
    cluster.chat(
      (response) => {
        response.destroy();
      },
      stream(chunk('b', 'stop')),
    );
    expect((await ask()).text).toBe('b');
  });

  it.each(['eos_token', 'stop_sequence', 'stop'])('takes %s for an end by itself', async (word) => {
    cluster.chat(stream(chunk('a', word)));
    expect((await ask()).end).toMatchObject({
      kind: 'done',
      finishReason: 'stop',
      usage: { generatedTokens: 1 },
    });
  });

  it('waits while the cluster is full, and asks again when it said', async () => {
    const full = json(429, { error: { message: 'full' } }, { 'retry-after': '0' });
    cluster.chat(full, json(503, {}), stream(chunk('a', 'stop')));
    expect((await ask()).text).toBe('a');
    expect(cluster.asked).toHaveLength(3);
  });

  it('waits no longer than it may', async () => {
    cluster.chat(json(429, { error: { message: 'full house' } }, { 'retry-after': '30' }));
    const { end } = await ask({ busyTimeoutMs: 50 });
    expect(end).toMatchObject({ kind: 'error', code: 'cluster.busy' });
    expect(end).toMatchObject({
      message: expect.stringContaining('api_busy_timeout_ms (status 429: full house)') as string,
    });
  });

  it.each<[string, Script, string]>([
    ['a refusal', json(400, { error: { message: 'maximum context length is 4096' } }), 'cluster.refused'],
    ['a wrong key', json(401, { error: { message: `no ${KEY}` } }), 'cluster.misconfigured'],
    ['a model that is gone', json(404, { error: { message: 'no model m' } }), 'cluster.misconfigured'],
    ['a redirect', json(307, {}, { location: 'http://127.0.0.1:1/' }), 'cluster.misconfigured'],
    ['a failure', json(500, {}), 'cluster.broken'],
    ['JSON where a stream was asked for', json(200, { choices: [] }), 'cluster.broken'],
    ['a stream that says nothing', stream(), 'cluster.broken'],
    ['an answer without its reason', stream(chunk('a')), 'cluster.broken'],
    ['an answer that was aborted', stream(chunk('a', 'abort')), 'cluster.broken'],
    ['an error in the stream', stream(chunk('a'), { error: { message: `died ${KEY}` } }), 'cluster.broken'],
    ['nonsense in the stream', stream(chunk('a'), { choices: 1 }), 'cluster.broken'],
    [
      'a stream that breaks',
      (response) => {
        open(response);
        say(response, chunk('a'));
        setImmediate(() => response.destroy());
      },
      'cluster.broken',
    ],
    [
      'an endless line',
      (response) => {
        open(response);
        response.write(`data: ${'x'.repeat(5 * 2 ** 20)}`);
      },
      'cluster.broken',
    ],
  ])('ends in one error for %s', async (_, script, code) => {
    cluster.chat(script);
    expect((await ask()).end).toMatchObject({ kind: 'error', code });
    expect(cluster.asked).toHaveLength(1);
  });

  it('ends well where only the cost is missing from a stream that breaks', async () => {
    cluster.chat((response) => {
      open(response);
      say(response, chunk('a', 'stop'));
      setImmediate(() => response.destroy());
    });
    expect((await ask()).end).toMatchObject({ kind: 'done', finishReason: 'stop' });
  });

  it('ends in one error where nobody listens', async () => {
    const base = apiBaseOf(cluster.url);
    await cluster.stop();
    expect((await ask({ base })).end).toMatchObject({
      kind: 'error',
      code: 'cluster.unreachable',
      message: 'The cluster cannot be reached: ECONNREFUSED.',
    });
    cluster = await ScriptedCluster.start();
  });

  it('refuses what the cluster cannot do without asking it', async () => {
    const { end } = await ask({ sampling: { noRepeatNgramSize: 2 } });
    expect(end).toMatchObject({ code: 'request.not_supported', field: 'no_repeat_ngram_size' });
    expect(cluster.asked).toEqual([]);
  });

  it('leaves the cluster when nobody waits for the answer, before its first byte and after it', async () => {
    for (const hasBegun of [false, true]) {
      const client = new AbortController();
      cluster.chat((response) => {
        if (hasBegun) {
          open(response);
          say(response, chunk('a'));
        } else setImmediate(() => client.abort(new Error('gone')));
      });
      const { end } = await ask({
        signal: client.signal,
        onEvent: ({ kind }) => {
          if (kind === 'token') client.abort(new Error('gone'));
        },
      });
      expect(end).toMatchObject({ kind: 'done', finishReason: 'cancelled' });
      await cluster.asked.at(-1)?.left;
    }
  });

  it('stops waiting for a full cluster when nobody waits for the answer', async () => {
    const client = new AbortController();
    cluster.chat(json(429, {}, { 'retry-after': '20' }));
    const asking = ask({ signal: client.signal });
    await expect.poll(() => cluster.asked.length).toBe(1);
    await delay(20);
    client.abort(new Error('gone'));
    expect((await asking).end).toMatchObject({ finishReason: 'cancelled' });
  });

  it('ends with the error of the reader when that ends', async () => {
    const reader = new AbortController();
    cluster.chat((response) => {
      open(response);
      say(response, chunk('a'));
    });
    const { end } = await ask({
      signal: reader.signal,
      onEvent: ({ kind }) => {
        if (kind === 'token') reader.abort(new ClusterError('cluster.unreachable', 'gone'));
      },
    });
    expect(end).toMatchObject({ kind: 'error', code: 'cluster.unreachable', message: 'gone' });
  });

  it('cuts at a stop string that the cluster shows, and waits for the cost', async () => {
    cluster.chat(stream(chunk('One. EN'), chunk('D'), chunk('', 'stop_sequence'), usage(5, 3)));
    const { text, end } = await ask({ sampling: { stop: ['END'] } });
    expect(text).toBe('One. ');
    expect(end).toMatchObject({ finishReason: 'stop', usage: { promptTokens: 5 } });
  });

  it('leaves a cluster that goes on behind a stop string', async () => {
    cluster.chat((response) => {
      open(response);
      say(response, chunk('One. END'), chunk(' two'));
    });
    const { text, end } = await ask({ sampling: { stop: ['END'] } });
    expect(text).toBe('One. ');
    expect(end).toMatchObject({ finishReason: 'stop' });
    await cluster.asked[0]?.left;
  });

  it('tells log probabilities only where they were asked for', async () => {
    const logprobs = { content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] }] };
    cluster.chat(stream(chunk('a', 'stop', { logprobs })));
    const told = { bytes: Uint8Array.of(97), logprob: -0.1, top: [] };
    expect((await ask({ sampling: { topLogprobs: 0 } })).events[0]).toMatchObject({
      text: 'a',
      logprobs: [told],
    });
    expect((await ask()).events[0]).not.toHaveProperty('logprobs');
  });

  it('reads a stream that is cut anywhere', async () => {
    const bytes = Buffer.from(
      [chunk('é'), chunk('😀', 'stop'), usage(1, 2)]
        .map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`)
        .join('') + 'data: [DONE]\r\n\r\n',
    );
    cluster.chat(async (response) => {
      open(response);
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7));
        await new Promise(setImmediate);
      }
      response.end();
    });
    expect(await ask()).toMatchObject({ text: 'é😀', end: { usage: { generatedTokens: 2 } } });
  });
});
