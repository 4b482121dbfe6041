// Constraints through the whole program with the demo model: every endpoint, lists, streams, images, refusals.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { imageForm, jsonRequest, textOfStream } from '../process/requests.js';

const IMAGE = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../models/demo/images/two-shapes.jpg', import.meta.url))),
);
const SCHEMA = {
  type: 'object',
  properties: { shape: { enum: ['circle', 'square'] }, count: { type: 'integer', minimum: 0, maximum: 9 } },
  required: ['shape', 'count'],
  additionalProperties: false,
};
const VALID: unknown = expect.objectContaining({
  shape: expect.stringMatching(/^(circle|square)$/) as unknown,
  count: expect.any(Number) as unknown,
});
const TEXT = 'USER: Describe the image to me.\nASSISTANT:';

let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start();
});
afterAll(() => server.stop());

const post = (route: string, body: object) => fetch(`${server.url}${route}`, jsonRequest(body));

describe('json_schema', () => {
  it('binds the answer of /generate, which says why it ended', async () => {
    const response = await post('/generate', { text: TEXT, json_schema: SCHEMA, return_metadata: true });
    const { text, metadata } = (await response.json()) as { text: string; metadata: object };
    expect(JSON.parse(text)).toEqual(VALID);
    expect(metadata).toMatchObject({ finish_reason: 'stop', constraint_ms: expect.any(Number) as unknown });
  });

  it('binds every answer of a list, also sampled ones', async () => {
    const sampling = { sampling_topk: 100, sampling_temperature: 5 };
    const response = await post('/generate', { text: [TEXT, 'a', 'b'], json_schema: SCHEMA, ...sampling });
    const { text } = (await response.json()) as { text: string[] };
    expect(text.map((one) => JSON.parse(one) as unknown)).toEqual([VALID, VALID, VALID]);
  });

  it('binds the answer about an image, streamed or not, to the same text', async () => {
    const request = { text: TEXT, json_schema: SCHEMA };
    const ask = (route: string) =>
      fetch(`${server.url}${route}`, { method: 'POST', body: imageForm(IMAGE, request) });
    const { text } = (await (await ask('/image_generate')).json()) as { text: string };
    expect(JSON.parse(text)).toEqual(VALID);
    expect(await textOfStream(await ask('/image_generate_stream'))).toBe(text);
  });

  it('says length where the answer was cut', async () => {
    const response = await post('/generate', {
      text: TEXT,
      json_schema: SCHEMA,
      max_new_tokens: 3,
      return_metadata: true,
    });
    expect(await response.json()).toMatchObject({ metadata: { finish_reason: 'length' } });
  });
});

describe('regex_string', () => {
  it('binds a streamed answer, blanks at its beginning included', async () => {
    const response = await post('/generate_stream', { text: TEXT, regex_string: ' {2}[A-F]{3}' });
    expect(await textOfStream(response)).toMatch(/^ {2}[A-F]{3}$/);
  });

  it('counts where json_schema is set too', async () => {
    const response = await post('/generate', { text: TEXT, regex_string: '[0-9]{4}', json_schema: SCHEMA });
    expect(((await response.json()) as { text: string }).text).toMatch(/^[0-9]{4}$/);
  });
});

it.each([
  [{ json_schema: { type: 'array', uniqueItems: true } }, 'request.constraint_unsupported', 'uniqueItems'],
  [{ json_schema: { type: 'arra' } }, 'request.constraint_unsupported', 'arra'],
  [{ json_schema: { type: 'array', maxItems: 1e9 } }, 'request.constraint_too_large', 'maxItems'],
  [{ regex_string: '(?=a)b' }, 'request.constraint_unsupported', 'look-ahead'],
  [{ regex_string: 'a{1,99999}' }, 'request.constraint_too_large', '99999'],
])('%j is refused by the generate endpoints with 400 and its name', async (fields, code, named) => {
  for (const route of ['/generate', '/generate_stream']) {
    const response = await post(route, { text: TEXT, ...fields });
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([400, code]);
    expect(error.message).toContain(named);
  }
});

it('a constraint leaves the other answers of the same batch as they are', async () => {
  const plain = async () =>
    ((await (await post('/generate', { text: TEXT })).json()) as { text: string }).text;
  const alone = await plain();
  const constrained = post('/generate', { text: TEXT, json_schema: { type: 'object' }, max_new_tokens: 60 });
  expect(await plain()).toBe(alone);
  expect((await constrained).status).toBe(200);
});
