// Ways in that Anthropic's and Ollama's APIs have and others do not: no address is asked, no file is read, no key is spared.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { imageBytes } from '../process/demo-cases.js';

const KEY = 'a-key-of-the-operator';
const ROUTES = [
  ['POST', '/v1/messages'],
  ['POST', '/v1/messages/count_tokens'],
  ['POST', '/v1/messages/batches'],
  ['POST', '/api/chat'],
  ['POST', '/api/generate'],
  ['POST', '/api/show'],
  ['GET', '/api/tags'],
  ['GET', '/api/ps'],
  ['GET', '/api/version'],
  ['DELETE', '/api/delete'],
] as const;

let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({ env: { TAKEOFF_API_KEY: KEY } });
});
afterAll(() => server.stop());

/** @param body where it is nested too deep to be written, its text */
async function ask(route: string, body: object | string): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}
const image = Buffer.from(imageBytes('images/one-shape.png')).toString('base64');
const chatWith = (...images: readonly unknown[]) =>
  ask('/api/chat', { stream: false, messages: [{ role: 'user', content: 'What?', images }] });
const messagesWith = (...blocks: readonly object[]) =>
  ask('/v1/messages', { max_tokens: 4, messages: [{ role: 'user', content: blocks }] });

it('case 23: every route wants the key, and no log has it or an image', async () => {
  for (const [method, route] of ROUTES)
    expect([route, (await fetch(server.url + route, { method })).status]).toEqual([route, 401]);
  expect((await chatWith(image)).status).toBe(200);
  for (const word of [KEY, image.slice(100, 140)]) expect(server.output).not.toContain(word);
});

it.each(['http://169.254.169.254/', 'https://example.invalid/a.png', 'file:///etc/passwd', '/etc/passwd'])(
  'case 1: the address %s is neither fetched nor opened as an image',
  async (address) => {
    const { status, text } = await chatWith(address);
    // The letters of some addresses are base64, and the bytes of no image.
    expect([status, text]).toEqual([
      400,
      expect.stringMatching(/request\.field_invalid|image\.format_unsupported/u),
    ]);
    const answer = await messagesWith({ type: 'image', source: { type: 'url', url: address } });
    const code = address.startsWith('http') ? 'request.remote_images_disabled' : 'request.field_invalid';
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([400, { error: { code } }]);
  },
);

it('no more images are taken than the operator allows, in any turn', async () => {
  const { status, text } = await ask('/api/chat', {
    messages: [
      { role: 'user', content: 'a', images: [image] },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c', images: [image] },
    ],
  });
  expect([status, JSON.parse(text)]).toMatchObject([400, { code: 'request.too_many_images' }]);
  const block = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: image } };
  const result = { type: 'tool_result', tool_use_id: 't', content: [block, block] };
  expect(await messagesWith(result)).toMatchObject({
    status: 400,
    text: expect.stringContaining('request.too_many_images') as unknown,
  });
});

it('case 19: results within results, arguments without a bottom, and lists without measure are refused', async () => {
  const nested = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
  const message = (rest: string) => `{"max_tokens":4,"messages":[{${rest}}]}`;
  const result = nested('{"type":"tool_result","tool_use_id":"t","content":[', ']}');
  const input = `{"in":${nested('[', ']')}}`;
  const used = `{"type":"tool_use","id":"t","name":"a","input":${input}}`;
  for (const [route, rest] of [
    ['/v1/messages', `"role":"user","content":[${result}]`],
    ['/v1/messages', `"role":"assistant","content":[${used}]`],
    ['/api/chat', `"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":${input}}}]`],
  ] as const) {
    const { status, text } = await ask(route, message(rest));
    expect([status, text]).toEqual([400, expect.stringContaining('request.field_invalid')]);
  }
  const many = Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'a' }));
  expect((await ask('/api/chat', { messages: many })).status).toBe(400);
  expect((await ask('/v1/messages', { messages: many })).status).toBe(400);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});
