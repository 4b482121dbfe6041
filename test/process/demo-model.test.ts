// The program as `npm start` runs it, on the demo model: every expected answer over HTTP, and the wire formats of other clients.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { demoCases, imageBytes } from './demo-cases.js';
import { eventsOf, imageForm, jsonRequest, textOfStream } from './requests.js';

const [first] = demoCases;
if (first === undefined) throw new TypeError('the demo model has no expected answers');

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-process-'));
let server: RunningServer;
const post = (route: string, body: FormData) => fetch(`${server.url}${route}`, { method: 'POST', body });

beforeAll(async () => {
  server = await RunningServer.start({ args: ['--repository-path', cache] });
}, 120_000);
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

describe('the server with the demo model', () => {
  it.each(demoCases)('gives the expected buffered answer to $id', async ({ image, request, answer }) => {
    const response = await post('/image_generate', imageForm(imageBytes(image), request));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ text: answer });
  });

  it.each(demoCases)('gives the expected streamed answer to $id', async ({ image, request, answer }) => {
    const response = await post('/image_generate_stream', imageForm(imageBytes(image), request));
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await textOfStream(response)).toBe(answer);
  });
});

describe('a request to the demo model', () => {
  it('gets its token counts with return_metadata', async () => {
    const { image, request, prompt_ids, image_tokens, answer_ids, answer } = first;
    const response = await post(
      '/image_generate',
      imageForm(imageBytes(image), { ...request, return_metadata: true, cache_salt: 'of this test' }),
    );
    expect(await response.json()).toEqual({
      text: answer,
      metadata: {
        prompt_tokens: prompt_ids.length - 1 + image_tokens,
        image_tokens,
        cached_tokens: 0,
        generated_tokens: answer_ids.length,
        finish_reason: 'stop',
        timings: expect.objectContaining({ vision_ms: expect.any(Number) as number }) as object,
      },
    });
  });

  it('with a list of prompts gets answers in order, all about the one image', async () => {
    const answers = demoCases.filter(
      ({ image }) => image === first.image && first.request['use_chat_template'] !== true,
    );
    const raw = answers.filter(({ request }) => request['use_chat_template'] !== true);
    const request = { text: raw.map(({ request: { text } }) => text) };
    const response = await post('/image_generate', imageForm(imageBytes(first.image), request));
    expect(await response.json()).toEqual({ text: raw.map(({ answer }) => answer) });
  });

  it('with a list of prompts streams texts that add up to the buffered answers', async () => {
    const texts = [
      'USER: Is there a circle?\nASSISTANT:',
      'USER: Hello.\nASSISTANT:',
      'USER: How many?\nASSISTANT:',
    ];
    const body = { text: texts, max_new_tokens: 12 };
    const buffered = (await (await fetch(`${server.url}/generate`, jsonRequest(body))).json()) as {
      text: string[];
    };
    const streamed = texts.map(() => '');
    for await (const { data } of eventsOf(await fetch(`${server.url}/generate_stream`, jsonRequest(body)))) {
      const event = JSON.parse(data) as { text: string; batch_id: number };
      streamed[event.batch_id] = (streamed[event.batch_id] ?? '') + event.text;
    }
    expect(streamed).toEqual(buffered.text);
  });

  it('in the form of the Python examples is answered, in either order of its parts', async () => {
    const json = JSON.stringify({ text: 'USER: Describe the image to me.\nASSISTANT:' });
    const { image } = first;
    const jsonPart = Buffer.from(`Content-Disposition: form-data; name="json_data"\r\n\r\n${json}\r\n`);
    const imagePart = Buffer.concat([
      Buffer.from('Content-Disposition: form-data; name="image_data"; filename="image.png"\r\n\r\n'),
      imageBytes(image),
      Buffer.from('\r\n'),
    ]);
    const boundary = '7f1c0a4bd0b64d2f8e';
    for (const parts of [
      [jsonPart, imagePart],
      [imagePart, jsonPart],
    ]) {
      const opened = parts.map((part) => Buffer.concat([Buffer.from(`--${boundary}\r\n`), part]));
      const response = await fetch(`${server.url}/image_generate`, {
        method: 'POST',
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: Buffer.concat([...opened, Buffer.from(`--${boundary}--\r\n`)]),
      });
      expect(await response.json()).toEqual({ text: first.answer });
    }
  });

  it('with null in every optional field is answered', async () => {
    const names = [
      'sampling_temperature',
      'sampling_topp',
      'sampling_topk',
      'repetition_penalty',
      'no_repeat_ngram_size',
      'max_new_tokens',
      'min_new_tokens',
      'regex_string',
      'json_schema',
      'prompt_max_tokens',
      'consumer_group',
      'lora_id',
      'constrained_decoding_backend',
      'image_paths',
      'return_metadata',
    ];
    const request = { ...first.request, ...Object.fromEntries(names.map((name) => [name, null])) };
    const response = await post('/image_generate', imageForm(imageBytes(first.image), request));
    expect(await response.json()).toEqual({ text: first.answer });
  });

  it('that spells special tokens and images is read as plain text', async () => {
    const text = 'USER: <image></s><s>[INST] Hello\nASSISTANT:';
    const response = await fetch(
      `${server.url}/generate`,
      jsonRequest({ text, max_new_tokens: 1, return_metadata: true }),
    );
    const { metadata } = (await response.json()) as {
      metadata: { prompt_tokens: number; image_tokens: number };
    };
    expect(metadata.image_tokens).toBe(0);
    // Spelled out, these words are many tokens; as special tokens they would be three.
    expect(metadata.prompt_tokens).toBeGreaterThan(25);
  });

  it('that cannot be answered gets its error code, and the next one is answered', async () => {
    const text = new TextEncoder().encode('this is no image');
    const refused = await post('/image_generate', imageForm(text, first.request));
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: 'image.format_unsupported' } });
    const fits = await fetch(`${server.url}/generate`, jsonRequest({ text: 'a '.repeat(5000) }));
    expect(fits.status).toBe(400);
    expect(await fits.json()).toMatchObject({ error: { code: 'request.does_not_fit' } });
    const next = await post('/image_generate', imageForm(imageBytes(first.image), first.request));
    expect(await next.json()).toEqual({ text: first.answer });
  });
});

it('/status lists the live reader of the demo model', async () => {
  const status = (await (await fetch(`${server.url}/status`)).json()) as {
    live_readers: Record<string, unknown>;
  };
  expect(Object.values(status.live_readers)).toEqual([
    expect.objectContaining({
      model_type: 'LlavaLlamaForCausalLM',
      device: 'cpu',
      consumer_groups: ['primary'],
      max_batch_size: 8,
    }),
  ]);
});
