// A server whose reader forwards to another server: the OpenAI API of this very program with the demo model. What comes out must be what
// the other one answers, since an image travels as the pixels that were decoded.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';

const KEY = 'key-of-the-cluster';
const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-api-readers-'));
const image = readFileSync('models/demo/images/two-shapes.jpg');
let cluster: RunningServer;
let server: RunningServer;

const startForwarding = (...args: string[]) =>
  RunningServer.start({
    args: ['--device', 'api', '--repository-path', cache, ...args],
    env: { TAKEOFF_API_URL: cluster.openaiUrl, TAKEOFF_CLUSTER_API_KEY: KEY },
  });

beforeAll(async () => {
  // One process, also where tests run over Redis: it stands for somebody else's.
  cluster = await RunningServer.startOne({
    args: ['--repository-path', cache],
    env: { TAKEOFF_API_KEY: KEY, TAKEOFF_REDIS_URL: '' },
  });
  server = await startForwarding();
}, 600_000);
afterAll(async () => {
  await server.stop();
  await cluster.stop();
  rmSync(cache, { recursive: true });
});

const describeImage = async (url: string, fields: object = {}, asked = '/image_generate') => {
  const form = new FormData();
  form.set('image_data', new Blob([image]), 'image.jpg');
  form.set(
    'json_data',
    JSON.stringify({
      text: 'Describe the image to me.',
      use_chat_template: true,
      return_metadata: true,
      ...fields,
    }),
  );
  const headers = { authorization: `Bearer ${KEY}` };
  const response = await fetch(`${url}${asked}`, { method: 'POST', body: form, headers });
  return { status: response.status, text: await response.text() };
};
const generate = async (body: object, url = server.url) => {
  const response = await fetch(`${url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
};

describe('a reader that forwards to the OpenAI API of this program', () => {
  it('is live, by the name of its model, and shows neither address nor key to clients', async () => {
    const status = await (await fetch(`${server.url}/status`)).text();
    expect(JSON.parse(status)).toMatchObject({
      live_readers: expect.objectContaining({}) as object,
      consumer_groups: { primary: { ready: true } },
    });
    const [reader] = Object.values(
      (JSON.parse(status) as { live_readers: Record<string, unknown> }).live_readers,
    );
    expect(reader).toMatchObject({
      device: 'api',
      model_type: 'takeoff',
      model_name: expect.any(String) as string,
    });
    expect(status).not.toContain(cluster.openaiUrl);
    const management = await (await fetch(`${server.managementUrl}/status`)).text();
    expect(management).toContain(`the cluster at ${cluster.openaiUrl}/v1, takeoff`);
    for (const text of [status, management, server.output]) expect(text).not.toContain(KEY);
  });

  it('gives the very answer to an image, and what it cost', async () => {
    const [own, forwarded] = [await describeImage(cluster.url), await describeImage(server.url)];
    expect(forwarded.status).toBe(200);
    const parsed = [own, forwarded].map(({ text }) => JSON.parse(text) as { text: string; metadata: object });
    expect(parsed[1]?.text).toBe(parsed[0]?.text);
    expect(parsed[0]?.text).toContain('triangle');
    const { prompt_tokens: promptTokens, generated_tokens: generatedTokens } = parsed[0]?.metadata as Record<
      string,
      number
    >;
    expect(parsed[1]?.metadata).toMatchObject({
      prompt_tokens: promptTokens,
      generated_tokens: generatedTokens,
    });
  });

  it('streams, token by token', async () => {
    const { text } = await describeImage(server.url, { return_metadata: false }, '/image_generate_stream');
    expect(text.match(/^data:/gmu)?.length).toBeGreaterThan(5);
  });

  it('still validates images before anything leaves the server', async () => {
    const form = new FormData();
    form.set('image_data', new Blob([image.subarray(0, image.length / 2)]), 'image.jpg');
    form.set('json_data', JSON.stringify({ text: 'What?', use_chat_template: true }));
    const response = await fetch(`${server.url}/image_generate`, { method: 'POST', body: form });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('image.undecodable');
  });

  it('gives the same for raw prompts and lists of them, lengths and reasons', async () => {
    const body = {
      text: ['USER: Is there a circle?\nASSISTANT:', 'USER: Hello.\nASSISTANT:'],
      max_new_tokens: 3,
    };
    const [own, forwarded] = [await generate(body, cluster.url), await generate(body)];
    expect(forwarded).toEqual(own);
  });

  it('passes a form of the answer on', async () => {
    const schema = {
      type: 'object',
      properties: { shape: { enum: ['circle', 'square'] } },
      required: ['shape'],
      additionalProperties: false,
    };
    const { body } = await generate({
      text: 'A shape, please.',
      use_chat_template: true,
      json_schema: schema,
    });
    expect(['circle', 'square']).toContain((JSON.parse(String(body['text'])) as { shape: string }).shape);
    const choice = await generate({
      text: 'A shape, please.',
      use_chat_template: true,
      regex_string: '(red|blue)',
    });
    expect(choice.body['text']).toMatch(/^(?:red|blue)$/u);
  });

  it.each([
    ['a raw prompt with an image', { use_chat_template: false }, 'use_chat_template'],
    ['fewer tokens for an image', { image_token_budget: 16 }, 'image_token_budget'],
    ['no repeated n-grams', { no_repeat_ngram_size: 2 }, 'no_repeat_ngram_size'],
  ])('refuses by name: %s', async (_, fields, name) => {
    const { status, text } = await describeImage(server.url, fields);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      error: { code: 'request.not_supported', message: expect.stringContaining(name) as string },
    });
  });

  it('refuses to count tokens, which only the cluster can', async () => {
    const response = await fetch(`${server.url}/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'Hello.' }),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('device: api');
  });

  it('speaks the OpenAI API, too, with log probabilities', async () => {
    const ask = async (url: string) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
        body: JSON.stringify({
          model: 'primary',
          temperature: 0,
          max_tokens: 4,
          logprobs: true,
          top_logprobs: 2,
          messages: [{ role: 'user', content: 'Hello.' }],
        }),
      });
      return (await response.json()) as { choices: { message: object; logprobs: { content: Ranked[] } }[] };
    };
    const [own, forwarded] = [await ask(cluster.openaiUrl), await ask(server.openaiUrl)];
    // What else is in a batch changes the last digits.
    const rounded = ({ token, logprob, top_logprobs: top = [] }: Ranked): unknown => [
      token,
      logprob.toFixed(2),
      top.map(rounded),
    ];
    const told = [own, forwarded].map(({ choices: [choice] }) => [
      choice?.message,
      choice?.logprobs.content.map(rounded),
    ]);
    expect(told[1]).toEqual(told[0]);
  });

  it('frees the cluster when its client leaves', async () => {
    const client = new AbortController();
    const long = {
      text: 'USER: Tell me everything.\nASSISTANT:',
      max_new_tokens: 2048,
      min_new_tokens: 2048,
    };
    const response = await fetch(`${server.url}/generate_stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(long),
      signal: client.signal,
    });
    await response.body?.getReader().read();
    client.abort();
    await expect.poll(async () => JSON.stringify(await openPrompts(cluster))).toBe('[0]');
  });

  it('ends with an error, is dead with the reason, and comes back with its cluster', async () => {
    const port = Number(new URL(cluster.openaiUrl).port);
    const other = await startForwarding('--api-busy-timeout-ms', '100');
    try {
      await cluster.stop();
      await expect
        .poll(async () => (await generate({ text: 'Hello.' }, other.url)).status, { timeout: 20_000 })
        .toBe(503);
      await expect
        .poll(async () => (await fetch(`${other.managementUrl}/status`)).text(), { timeout: 40_000 })
        .toContain('ECONNREFUSED');
      cluster = await RunningServer.startOne({
        args: ['--repository-path', cache, '--openai-port', String(port)],
        env: { TAKEOFF_API_KEY: KEY, TAKEOFF_REDIS_URL: '' },
      });
      await other.until(() => other.isReady(), 60_000);
      expect((await generate({ text: 'USER: Hello.\nASSISTANT:' }, other.url)).status).toBe(200);
    } finally {
      await other.stop();
    }
  }, 180_000);
});

interface Ranked {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs?: readonly Ranked[];
}

async function openPrompts(asked: RunningServer): Promise<number[]> {
  const headers = { authorization: `Bearer ${KEY}` };
  const status = (await (await fetch(`${asked.managementUrl}/status`, { headers })).json()) as {
    status: { live_readers: Record<string, { open_prompts: number }> };
  };
  return Object.values(status.status.live_readers).map(({ open_prompts: open }) => open);
}
