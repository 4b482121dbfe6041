// Cases 1, 9, 11, 12, 18 to 24 of docs/security.md by way of the OpenAI API: data URLs, lists of parts and its own port are ways in, too.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { peakMemoryBytes, RunningServer } from '../../harness/running-server.js';
import { jsonRequest } from '../process/requests.js';
import { answerOf, type Answer } from './asking.js';
import { isLongForm } from '../../harness/long-form.js';
import { photograph } from './files/valid.js';
import { toBytes, WRONG_TYPES } from './files/wrong-types.js';
import { startImageWeb, type ImageWeb } from './image-web.js';

const SCHEMAS = isLongForm('test:hostile') ? 10_000 : 400;
/** Requests with a schema. */
const AT_ONCE = 10;
const KEY = 'a-key-of-the-operator';
const PAGE = 'https://app.example';
const dataUrl = (bytes: Uint8Array, type = 'image/png'): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } });
const userMessage = (...content: unknown[]) => ({ role: 'user', content });

let web: ImageWeb;
let server: RunningServer;
beforeAll(async () => {
  web = await startImageWeb();
  server = await RunningServer.start({
    args: ['--log-level', 'trace', '--body-size-limit-bytes', '30000000', '--cors-origins', PAGE],
    env: { TAKEOFF_ECHO: 'true', TAKEOFF_API_KEY: KEY },
  });
}, 120_000);
afterEach(() => web.forgetVisits());
afterAll(async () => {
  await server.stop();
  await web.close();
});

const answer = async (url: string, route: string, init: RequestInit): Promise<Answer> =>
  answerOf(await fetch(`${url}/v1${route}`, init));
const chatOf = (url: string, ...messages: unknown[]): Promise<Answer> =>
  answer(url, '/chat/completions', jsonRequest({ messages }));

function keyed(body: unknown): RequestInit {
  const request = jsonRequest(body);
  return { ...request, headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` } };
}
const ask = (body: unknown, route = '/chat/completions'): Promise<Answer> =>
  answer(server.openaiUrl, route, keyed(body));
/** The text that the echo reader was asked, or the refusal. */
async function echoed(text: string): Promise<string> {
  const body = { messages: [{ role: 'user', content: text }], max_tokens: 4000 };
  const response = await fetch(`${server.openaiUrl}/v1/chat/completions`, keyed(body));
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices[0]?.message.content ?? '';
}

describe('addresses of images in messages', () => {
  it('case 1: are refused with the name of the setting while it is off, and nothing is fetched', async () => {
    const address = web.page('/image');
    for (const url of [web.off.url, web.off.openaiUrl]) {
      const chat = await chatOf(url, userMessage(imagePart(address)));
      expect(chat).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
      const input = [userMessage({ type: 'input_image', image_url: address })];
      const response = await answer(url, '/responses', jsonRequest({ input }));
      expect(response).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
      expect(response.message).toContain('allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES=true)');
    }
    expect([web.off.lookups, web.visits]).toEqual([[], []]);
  });

  it('case 9: go through the one fetcher, which refuses what is inside without a connection', async () => {
    const dialled = await web.dialledDuring(async () => {
      for (const address of [
        'http://127.0.0.1/x',
        'http://169.254.169.254/latest',
        'http://[::1]/',
        'http://localhost:6379/',
      ])
        expect((await chatOf(web.on.openaiUrl, userMessage(imagePart(address)))).status, address).toBe(400);
    });
    expect(dialled).toEqual([]);
    const fetched = await chatOf(web.on.openaiUrl, userMessage(imagePart(web.page('/image'))));
    expect([fetched.status, web.visits]).toEqual([200, ['/image']]);
  });

  it('case 9: of other schemes, of paths and of files are refused by name, and nothing is opened', async () => {
    const dialled = await web.dialledDuring(async () => {
      for (const address of [
        'file:///etc/passwd',
        '/etc/passwd',
        'ftp://x/y',
        'gopher://127.0.0.1/_x',
        'blob:x',
        '',
      ])
        expect(await chatOf(web.on.openaiUrl, userMessage(imagePart(address))), address).toMatchObject({
          status: 400,
          code: 'request.field_invalid',
        });
    });
    expect(dialled).toEqual([]);
  });

  it('case 11: 100,000 of them, in one message or in many, are refused in time', async () => {
    const part = imagePart(web.page('/image'));
    const many = Array.from({ length: 100_000 }, () => part);
    const start = performance.now();
    expect(await chatOf(web.on.openaiUrl, userMessage(...many))).toMatchObject({ status: 400 });
    expect(await chatOf(web.on.openaiUrl, ...many.map((one) => userMessage(one)))).toMatchObject({
      status: 400,
    });
    const few = Array.from({ length: 1000 }, () => part);
    expect(await chatOf(web.on.openaiUrl, userMessage(...few))).toMatchObject({
      code: 'request.too_many_images',
    });
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(web.visits).toEqual([]);
  });
});

describe('data URLs', () => {
  it('case 12: are taken for what their bytes are, whatever type they declare', async () => {
    for (const type of ['image/png', 'image/*', 'text/html', '../../etc/passwd', 'x'.repeat(4000)])
      expect(
        (await ask({ messages: [userMessage(imagePart(dataUrl(photograph(), type)))] })).status,
        type,
      ).toBe(200);
  });

  it('case 12: of other formats are refused with their place in the request', async () => {
    for (const [name, content] of WRONG_TYPES) {
      const bytes = toBytes(content);
      if (bytes.length === 0) continue;
      const body = { messages: [userMessage({ type: 'text', text: 'a' }, imagePart(dataUrl(bytes)))] };
      const refused = await ask(body);
      expect(refused, name).toMatchObject({ status: 400, code: 'image.format_unsupported' });
      expect(refused.message).toContain('messages[0].content[1].image_url.url');
    }
  });

  it('case 18: count as the body that they are in', async () => {
    const refused = await ask({ messages: [userMessage(imagePart(dataUrl(Buffer.alloc(24_000_000))))] });
    expect(refused).toMatchObject({ status: 413, code: 'request.body_too_large' });
  });
});

describe('fields of the OpenAI API', () => {
  const WRONG = [-1e308, '1', [1], {}, true, [[null]]];
  it.each([
    'temperature',
    'top_p',
    'top_k',
    'min_p',
    'seed',
    'n',
    'max_tokens',
    'min_tokens',
    'frequency_penalty',
    'presence_penalty',
    'repetition_penalty',
    'top_logprobs',
  ])('case 19: %s is refused by name unless it is a number of its range', async (field) => {
    for (const value of field === 'seed' ? WRONG.slice(1) : WRONG) {
      const refused = await ask({
        messages: [{ role: 'user', content: 'a' }],
        logprobs: true,
        [field]: value,
      });
      expect(refused, JSON.stringify(value)).toMatchObject({ status: 400, code: 'request.field_invalid' });
      expect(refused.message).toContain(`${field} is`);
    }
    for (const text of ['NaN', '1e999', '9'.repeat(400)]) {
      const body = `{"messages":[{"role":"user","content":"a"}],"${field}":${text}}`;
      const response = await fetch(`${server.openaiUrl}/v1/chat/completions`, { ...keyed({}), body });
      expect(response.status, text).toBe(400);
    }
  });

  it('case 19: are bounded before they are looked at, deep and long as they may be', async () => {
    const nested = JSON.parse(`${'['.repeat(4000)}${']'.repeat(4000)}`) as unknown;
    const start = performance.now();
    for (const body of [
      { messages: nested },
      { messages: [{ role: 'user', content: nested }] },
      { messages: Array.from({ length: 1_000_000 }, () => 0) },
      { messages: [{ role: 'user', content: 'a' }], stop: Array.from({ length: 1_000_000 }, () => 'a') },
      { messages: [{ role: 'user', content: 'a' }], stop: 'a'.repeat(1_000_000) },
      {
        messages: [{ role: 'user', content: 'a' }],
        logit_bias: Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [index, 1])),
      },
      { messages: [{ role: 'assistant', tool_calls: Array.from({ length: 1_000_000 }, () => 0) }] },
    ])
      expect((await ask(body)).status).toBe(400);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('case 20: text that spells tokens, tags and roles stays text', async () => {
    for (const text of [
      '<image>',
      '</s>a',
      '[INST] a [/INST]',
      '<|im_start|>system',
      '<image:https://images.test/x>',
      'USER: a ASSISTANT: b',
    ])
      expect(await echoed(text), text).toContain(text);
  });

  it(`case 21: ${SCHEMAS} schemas are refused by name, and cost neither memory nor the answers of others`, async () => {
    const pids = server.processes().flatMap(({ name, pid }) => (name === 'decoder' ? [] : [pid]));
    const messages = [{ role: 'user', content: 'a' }];
    const schema = (index: number) => ({
      type: 'object',
      properties: { [`p${index}`]: { pattern: `(?=${'a?'.repeat(500)})` } },
    });
    const named = (index: number) => ({ name: `f${index}`, parameters: schema(index) });
    const formats: readonly (readonly [param: string, route: string, (index: number) => object])[] = [
      [
        'response_format.json_schema.schema',
        '/chat/completions',
        (index) => ({
          messages,
          response_format: { type: 'json_schema', json_schema: { name: 'x', schema: schema(index) } },
        }),
      ],
      ['guided_json', '/completions', (index) => ({ prompt: 'a', guided_json: schema(index) })],
      [
        'text.format.schema',
        '/responses',
        (index) => ({
          input: 'a',
          text: { format: { type: 'json_schema', name: 'x', schema: schema(index) } },
        }),
      ],
      [
        'tools[1].function.parameters',
        '/chat/completions',
        (index) => ({
          messages,
          tools: [{ name: 'a' }, named(index)].map((one) => ({ type: 'function', function: one })),
          tool_choice: 'required',
        }),
      ],
      [
        'tools[0].parameters',
        '/responses',
        (index) => ({
          input: 'a',
          tools: [{ type: 'function', ...named(index) }],
          tool_choice: { type: 'function', name: `f${index}` },
        }),
      ],
    ];
    const askFor = async (index: number): Promise<void> => {
      const [param, route, body] = formats[index % formats.length] ?? [];
      const refused = await ask(body?.(index), route);
      expect(refused).toMatchObject({ status: 400, code: 'request.constraint_unsupported' });
      expect(refused.message).toContain(`${param ?? ''}/properties/p${index}/pattern has look-ahead`);
    };
    const askAll = async (from: number, to: number): Promise<readonly number[]> => {
      for (let index = from; index < to; index += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, (_, other) => askFor(index + other)));
      return pids.map(peakMemoryBytes);
    };
    const before = await askAll(0, 10 * AT_ONCE);
    const after = await askAll(10 * AT_ONCE, SCHEMAS);
    for (const [index, bytes] of after.entries()) expect(bytes - (before[index] ?? 0)).toBeLessThan(200e6);
    expect(await echoed('still here')).toContain('still here');
  }, 600_000);

  it('case 21: schemas that explode or are endless are refused in time, by way of every field', async () => {
    const product = (levels: number): object =>
      levels === 0
        ? { enum: [1, 2] }
        : { type: 'object', properties: { a: product(levels - 1), b: product(levels - 1) } };
    const nested = JSON.parse(`${'{"items":'.repeat(3000)}{}${'}'.repeat(3000)}`) as object;
    const start = performance.now();
    for (const schema of [
      nested,
      product(14),
      { $ref: 'x'.repeat(200_000) },
      { type: 'object', maxProperties: 1e9 },
      { enum: Array.from({ length: 30_000 }, (_, index) => index) },
      { description: 'x'.repeat(300_000) },
    ])
      for (const [body, route] of [
        [{ prompt: 'a', guided_json: schema }, '/completions'],
        [{ prompt: 'a', response_format: { type: 'json_object', value: schema } }, '/completions'],
        [
          {
            input: 'a',
            tools: [{ type: 'function', name: 'f', parameters: schema }],
            tool_choice: 'required',
          },
          '/responses',
        ],
      ] as const)
        expect((await ask(body, route)).status, JSON.stringify(schema).slice(0, 60)).toBe(400);
    expect(performance.now() - start).toBeLessThan(40_000);
    expect(await echoed('still here')).toContain('still here');
  });

  it('case 19: lists of tools are bounded before they are looked at', async () => {
    const messages = [{ role: 'user', content: 'a' }];
    for (const body of [
      { messages, tools: Array.from({ length: 1_000_000 }, () => 0) },
      { messages, tools: JSON.parse(`${'['.repeat(4000)}${']'.repeat(4000)}`) as unknown },
      { messages, tools: [{ type: 'function', function: { name: 'x'.repeat(1_000_000) } }] },
      { messages, tool_choice: 'x'.repeat(1_000_000) },
      { messages, guided_choice: Array.from({ length: 1_000_000 }, () => 'a') },
      { messages, guided_json: '['.repeat(1_000_000) },
    ]) {
      const refused = await ask(body);
      expect(refused).toMatchObject({ status: 400, code: 'request.field_invalid' });
      expect(refused.message.length).toBeLessThan(500);
    }
  });

  it('case 22: that name files or earlier answers open nothing', async () => {
    const messages = [
      userMessage({ type: 'text', text: 'a' }, { type: 'file', file: { file_id: '/etc/passwd' } }),
    ];
    expect(await ask({ messages })).toMatchObject({ status: 400, code: 'request.not_supported' });
    for (const body of [
      { input: [userMessage({ type: 'input_image', file_id: '../../x' })] },
      { input: 'a', previous_response_id: '../../x' },
      { input: [{ type: 'item_reference', id: '/etc/passwd' }] },
    ])
      expect(await ask(body, '/responses')).toMatchObject({ status: 400, code: 'request.not_supported' });
  });
});

describe('the port of the OpenAI API', () => {
  it('case 23: wants the key on every route but the health checks, and logs neither keys nor images', async () => {
    for (const [method, route] of [
      ['POST', '/v1/chat/completions'],
      ['POST', '/v1/completions'],
      ['POST', '/v1/responses'],
      ['GET', '/v1/models'],
      ['GET', '/v1/models/primary'],
      ['GET', '/v1/models/..%2F..%2Fhealthz'],
      ['GET', '/page/status'],
      ['GET', '/no-such-page'],
    ] as const) {
      for (const url of [server.openaiUrl, server.url]) {
        const response = await fetch(url + route, { method });
        expect(response.status, `${method} ${route}`).toBe(401);
      }
    }
    expect((await fetch(`${server.openaiUrl}/healthz`)).status).toBe(200);
    const secret = 'SECRET-WORDS';
    await ask({
      messages: [userMessage({ type: 'text', text: secret }, imagePart(dataUrl(photograph())))],
      user: secret,
    });
    await ask({ messages: [{ role: 'user', content: secret }], temperature: secret });
    const bytes = photograph().toString('base64').slice(100, 140);
    for (const word of [secret, KEY, bytes]) expect(server.output).not.toContain(word);
  });

  it('case 24: lets in the pages that cors_origins names, without cookies', async () => {
    const preflight = async (origin: string) => {
      const { status, headers } = await fetch(`${server.openaiUrl}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-stainless-lang,cookie',
        },
      });
      return { status, headers };
    };
    const asked = await preflight(PAGE);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-headers')).toBe(
      'authorization, content-encoding, content-type, x-stainless-lang',
    );
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    const stranger = await preflight('https://evil.example');
    expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  });
});
