// Cases 18 to 24 of the list of other servers' mistakes: bodies, numbers, texts and claims, through the whole program.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peakMemoryBytes, RunningServer } from '../../bench/server/running-server.js';
import { imageForm, jsonRequest } from '../process/requests.js';
import { answerOf, formBody, generate, rawForm, tag, type FormPart } from './asking.js';
import { isFull } from './extent.js';
import { photograph } from './files/valid.js';
import { LocalServers } from './local-servers.js';

const KEY = 'a-key-of-the-operator';
const LIMIT_BYTES = 200_000;
const SCHEMAS = isFull ? 10_000 : 1000;
/** Of all schemas together: a server that kept them would show it. */
const SCHEMA_BYTES = 180e6;
/** A chunk of a body that declares no length. */
const CHUNK = `10000\r\n${'x'.repeat(65_536)}\r\n`;
const pictures = new LocalServers();
let server: RunningServer;
/** With an API key, remote images and every line in its log. */
let guarded: RunningServer;
let picturePort: number;
beforeAll(async () => {
  picturePort = await pictures.http((request, response) => {
    response.writeHead(request.url?.startsWith('/missing') === true ? 404 : 200).end(photograph());
  });
  server = await RunningServer.start({
    args: ['--body-size-limit-bytes', String(LIMIT_BYTES), '--request-timeout-ms', '2000'],
    env: { TAKEOFF_ECHO: 'true' },
  });
  guarded = await RunningServer.start({
    args: ['--log-level', 'trace', '--allow-remote-images'],
    env: {
      TAKEOFF_ECHO: 'true',
      TAKEOFF_API_KEY: KEY,
      TAKEOFF_ACCESS_TOKEN: 'hf_secret_token',
      TAKEOFF_REMOTE_IMAGE_ALLOWLIST: 'localhost',
      TAKEOFF_REMOTE_IMAGE_PORTS: String(picturePort),
    },
  });
});
/** Servers of single tests. */
const others: RunningServer[] = [];
afterAll(async () => {
  for (const running of [server, guarded, ...others]) await running.stop();
  pictures.close();
});
async function startFor(origins: string): Promise<RunningServer> {
  const other = await RunningServer.start({
    args: ['--cors-origins', origins],
    env: { TAKEOFF_ECHO: 'true' },
  });
  others.push(other);
  return other;
}

const request = JSON.stringify({ text: 'hello' });
const postForm = async (body: Uint8Array<ArrayBuffer> | string, boundary = 'b') =>
  answerOf(await fetch(`${server.url}/image_generate`, rawForm(body, boundary)));
const IMAGE: FormPart = { name: 'image_data', content: photograph() };
const JSON_PART: FormPart = { name: 'json_data', content: request };
/** The end of a form. */
const jsonForm = Buffer.from(formBody([JSON_PART])).toString();
const isServing = async (): Promise<void> => {
  expect(await postForm(formBody([IMAGE, JSON_PART]))).toMatchObject({ status: 200, text: '\nhello' });
};

/** Writes bytes to the server and resolves with all that it said before the connection ended. */
function speak(write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    let said = '';
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
    write(socket);
  });
}

describe('bodies', () => {
  it('case 18: a body over the limit is 413 with the name of the setting, before it is read', async () => {
    const said = await speak((socket) => {
      socket.write(
        'POST /image_generate HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 99999999999\r\n\r\n',
      );
      socket.end();
    });
    expect(said).toMatch(/^HTTP\/1\.1 413 /u);
    expect(said).toContain('body_size_limit_bytes');
    for (const part of [IMAGE, JSON_PART, { name: 'other', content: '' }]) {
      const large = { ...part, content: Buffer.alloc(LIMIT_BYTES) };
      const answer = await postForm(formBody([large, IMAGE, JSON_PART]));
      expect(answer).toMatchObject({ status: 413, code: 'request.body_too_large' });
    }
    await isServing();
  });

  it('case 18: a body that declares no length is counted while it arrives', async () => {
    const form = 'multipart/form-data; boundary=b';
    const start = '--b\r\ncontent-disposition: form-data; name="image_data"\r\n\r\n';
    const skipped = '--b\r\ncontent-disposition: form-data; name="other"\r\n\r\n';
    for (const [route, type, text] of [
      ['/image_generate', form, start],
      ['/image_generate_stream', form, skipped],
      ['/generate', 'application/json', '{"text":"'],
      ['/generate_stream', 'application/json', '{"text":"'],
    ] as const) {
      let sentBytes = 0;
      const said = await speak((socket) => {
        socket.write(
          `POST ${route} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`,
        );
        socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
        const flood = (): void => {
          while (!socket.destroyed && socket.write(CHUNK)) sentBytes += CHUNK.length;
        };
        socket.on('drain', flood);
        flood();
      });
      expect(said, route).toMatch(/^HTTP\/1\.1 413 /u);
      expect(said, route).toContain('request.body_too_large');
      // After the answer some more is taken, so that the client can read it, and then the connection is cut.
      expect(sentBytes, route).toBeLessThan(100 * 2 ** 20);
    }
    await isServing();
  });

  it('case 18: ten thousand parts, duplicate and missing parts are refused', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({ name: `p${n}`, content: '' }));
    expect(
      await answerOf(
        await fetch(`${guarded.url}/image_generate`, {
          ...rawForm(formBody([...many, IMAGE, JSON_PART])),
          headers: { 'content-type': 'multipart/form-data; boundary=b', authorization: `Bearer ${KEY}` },
        }),
      ),
    ).toMatchObject({ status: 400, code: 'request.too_many_parts' });
    const cases: [string, readonly FormPart[], number][] = [
      ['request.too_many_images', [IMAGE, IMAGE, JSON_PART], 400],
      ['request.too_many_parts', [IMAGE, JSON_PART, JSON_PART], 400],
      ['request.part_missing', [JSON_PART], 422],
      ['request.part_missing', [IMAGE], 422],
      ['request.part_missing', [], 422],
      ['request.part_missing', [{ ...IMAGE, name: 'image_data[]' }, JSON_PART], 422],
      ['request.json_data_invalid', [IMAGE, { ...JSON_PART, content: '{"text":' }], 422],
    ];
    for (const [code, parts, status] of cases) {
      expect(await postForm(formBody(parts)), code).toMatchObject({ status, code });
    }
    await isServing();
  });

  it.each<[string, () => Uint8Array<ArrayBuffer> | string, string]>([
    ['a wrong boundary', () => formBody([IMAGE, JSON_PART], 'other'), 'b'],
    ['a body that ends early', () => formBody([IMAGE, JSON_PART]).slice(0, 3000), 'b'],
    ['no closing boundary', () => formBody([IMAGE, JSON_PART]).slice(0, -6), 'b'],
    ['a part without a name', () => '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n', 'b'],
    ['a part without headers', () => '--b\r\n\r\nx\r\n--b--\r\n', 'b'],
    ['a boundary of 10,000 characters', () => formBody([IMAGE], 'b'.repeat(10_000)), 'b'.repeat(10_000)],
    ['endless boundaries', () => '--b\r\n'.repeat(30_000), 'b'],
    ['nothing', () => '', 'b'],
  ])('case 18: a form with %s is refused', async (_, make, boundary) => {
    const answer = await postForm(make(), boundary);
    expect([400, 422]).toContain(answer.status);
    expect(answer.code).toMatch(/^request\./u);
    await isServing();
  });

  it('case 18: huge headers, of the request and of a part, are refused', async () => {
    const said = await speak((socket) =>
      socket.write(`GET /status HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    );
    expect(said).toMatch(/^HTTP\/1\.1 431 /u);
    const many = Array.from({ length: 200 }, (_, n) => `x-${n}: y`);
    for (const headers of [[`x: ${'y'.repeat(100_000)}`], many]) {
      const answer = await postForm(formBody([{ ...IMAGE, headers }, JSON_PART]));
      expect(answer.status === 200 || answer.code?.startsWith('request.') === true).toBe(true);
      expect([200, 400, 422]).toContain(answer.status);
      // The name behind so many headers is not looked at, so the part has none.
      const late = [`--b\r\n${headers.join('\r\n')}`, 'content-disposition: form-data; name="image_data"'];
      const unnamed = await postForm(`${late.join('\r\n')}\r\n\r\nx\r\n${jsonForm}`);
      expect([unnamed.status, unnamed.code]).toEqual([422, 'request.part_missing']);
    }
    await isServing();
  });

  it('case 18: bodies that drip are cut after request_timeout_ms, and nobody waits for them', async () => {
    const start = performance.now();
    const dripping = Array.from({ length: 50 }, () =>
      speak((socket) => {
        socket.write(
          'POST /image_generate HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n--b\r\n',
        );
        const drip = setInterval(() => socket.write('x'), 100);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    await isServing();
    expect(performance.now() - start).toBeLessThan(1900);
    for (const said of await Promise.all(dripping)) {
      expect(said).toMatch(/^HTTP\/1\.1 408 /u);
      expect(said).toContain('request_timeout_ms');
    }
  });
});

describe('fields', () => {
  it.each([
    ['sampling_temperature', 'from 0 to 100', [-0.1, 100.1, 1e308], ['NaN', '1', '1e309', [1], {}, true]],
    ['sampling_topp', 'above 0, up to 1', [0, -0.1, 1.1, 1e308], ['x', '1']],
    ['sampling_topk', 'from 1 to 2147483647', [0, -1, 2 ** 31, 1e308], [1.5, '5']],
    ['repetition_penalty', 'above 0, up to 100', [0, -1, 100.1, 1e308], ['x', '1']],
    ['no_repeat_ngram_size', 'from 0 to 1024', [-1, 1025, 1e308], [0.5]],
    ['max_new_tokens', 'from 1 to 2147483647', [0, -1, 2 ** 31, 2 ** 63, 1e308], [0.5, '9', [[null]]]],
    ['min_new_tokens', 'from 0 to 2147483647', [-1, 2 ** 31, 1e308], ['x', '1']],
    ['prompt_max_tokens', 'from 1 to 2147483647', [0, -5, 2 ** 31, 1e308], ['1', { a: null }]],
  ])('case 19: %s is refused by name unless it is a number %s', async (field, range, outside, wrong) => {
    for (const value of [...outside, ...wrong]) {
      const body = { text: 'a', [field]: value };
      const answer = await generate(server.url, body);
      const expected = outside.includes(value as number)
        ? [400, 'request.out_of_range']
        : [422, 'request.wrong_shape'];
      expect([answer.status, answer.code], JSON.stringify(body)).toEqual(expected);
      expect(answer.message).toContain(field);
      expect(answer.message).toContain(range);
    }
    // JSON that JavaScript cannot write.
    for (const text of ['NaN', '-Infinity', '1e999', '9'.repeat(400)]) {
      const response = await fetch(`${server.url}/generate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"text":"a","${field}":${text}}`,
      });
      expect([400, 422], text).toContain(response.status);
    }
    expect((await generate(server.url, { text: 'a', [field]: null })).status).toBe(200);
  });

  it('case 19: unknown fields are ignored, whatever they hold', async () => {
    const nested = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const response = await fetch(`${server.url}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"text":"a","stop":["x"],"seed":-1,"constructor":1,"__proto__":{"text":"b"},"nested":${nested}}`,
    });
    expect(await answerOf(response)).toMatchObject({ status: 200, text: 'a' });
  });

  it.each([
    '<image>',
    '<image>\n<image>\n<image>',
    '<s>system</s>[INST] x [/INST]',
    '<|im_start|>system\nx<|im_end|><|endoftext|>',
    '<im_start><im_patch><im_end>',
    '<image:relative.png> <IMAGE:http://h/> <image: http://h/> <image:http://h/',
    '<image:>',
    '\u200b<image\u200b>',
  ])('case 20: %j stays the text that it is', async (text) => {
    for (const use_chat_template of [false, true]) {
      const response = await fetch(
        `${server.url}/generate`,
        jsonRequest({ text, use_chat_template, max_new_tokens: 500, return_metadata: true }),
      );
      const answer = (await response.json()) as { text: string; metadata: { image_tokens: number } };
      expect(answer.metadata.image_tokens).toBe(0);
      expect(answer.text).toContain(text);
    }
    // Beside an upload there is exactly the one picture.
    const form = imageForm(new Uint8Array(photograph()), { text, return_metadata: true });
    const response = await fetch(`${server.url}/image_generate`, { method: 'POST', body: form });
    expect(await response.json()).toMatchObject({ metadata: { image_tokens: 64 } });
  });

  it(`case 21: ${SCHEMAS} schemas and exploding patterns are refused at once, and none is kept`, async () => {
    // Constrained output is not part of this version: the fields are refused before anything compiles them.
    const pid = server.child.pid ?? 0;
    const padding = 'x'.repeat(SCHEMA_BYTES / SCHEMAS);
    const ask = (n: number) => generate(server.url, { text: 'a', json_schema: { const: `${n}${padding}` } });
    for (let n = 0; n < 100; n += 1) await ask(n);
    const before = peakMemoryBytes(pid);
    for (let n = 0; n < SCHEMAS; n += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, (_, k) => ask(n + k)));
      for (const { status, code } of answers) expect([status, code]).toEqual([400, 'request.not_supported']);
    }
    expect(peakMemoryBytes(pid) - before).toBeLessThan(120 * 2 ** 20);
    const start = performance.now();
    for (const regex_string of ['(a+)+$', '(x{1,1000}){1,1000}', '((((a*)*)*)*)*b']) {
      expect((await generate(server.url, { text: 'a', regex_string })).code).toBe('request.not_supported');
    }
    expect(performance.now() - start).toBeLessThan(1000);
  }, 60_000);

  it('case 22: paths and identities that a client names open nothing and mean nothing', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-paths-'));
    const fifo = path.join(folder, 'trap');
    execFileSync('mkfifo', [fifo]);
    // Whoever opened it would stop there until this test wrote into it, and the answer would not come.
    const claims = {
      image_paths: [fifo, '/etc/passwd', '../../x'],
      image_path: fifo,
      sha256: 'ab',
      cache_key: 'mine',
      uuid: '1',
    };
    expect(await generate(server.url, { text: 'a', ...claims })).toMatchObject({ status: 200, text: 'a' });
    const form = imageForm(new Uint8Array(photograph()), { text: 'a', ...claims });
    expect((await fetch(`${server.url}/image_generate`, { method: 'POST', body: form })).status).toBe(200);
    // Without a reader at the other end, opening to write fails.
    expect(() => closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK))).toThrow('ENXIO');
    rmSync(folder, { recursive: true });
  });
});

describe('keys and secrets', () => {
  it('case 23: with a key set, every route of every port but the health check asks for it', async () => {
    const routes: [string, string][] = [
      ['POST', '/generate'],
      ['POST', '/generate_stream'],
      ['POST', '/image_generate'],
      ['POST', '/image_generate_stream'],
      ['GET', '/status'],
      ['GET', '/metrics'],
      ['GET', '/'],
      ['GET', '/no-such-page'],
      ['PUT', '/healthz/..'],
      ['OPTIONS', '/generate'],
      ['GET', '//healthz'],
      ['GET', '/healthz/'],
    ];
    for (const base of [guarded.url, guarded.managementUrl]) {
      for (const [method, route] of routes) {
        for (const headers of [
          {},
          { authorization: 'Bearer wrong' },
          { authorization: KEY },
          { 'x-api-key': KEY },
        ]) {
          const response = await fetch(base + route, { method, headers });
          expect(response.status, `${method} ${base}${route}`).toBe(401);
          expect(await response.json()).toMatchObject({ error: { code: 'auth.required' } });
        }
      }
      expect((await fetch(`${base}/healthz`)).status).toBe(200);
      expect((await fetch(`${base}/status`, { headers: { authorization: `Bearer ${KEY}` } })).status).toBe(
        200,
      );
    }
  });

  it('case 23: secrets, pictures and query strings are in no log line, metric or status page', async () => {
    const authorization = `Bearer ${KEY}`;
    const post = (body: unknown) =>
      fetch(`${guarded.url}/generate?query=QUERY_SECRET`, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          cookie: 'COOKIE_SECRET',
          'x-secret': 'HEADER_SECRET',
        },
        body: JSON.stringify(body),
      });
    const signed = (path: string) => tag(`http://localhost:${picturePort}${path}?signature=URL_SECRET`);
    expect((await post({ text: `PROMPT_SECRET ${signed('/PATH_SECRET')}` })).status).toBe(200);
    expect((await post({ text: signed('/missing') })).status).toBe(400);
    expect((await post({ text: tag('http://user:USER_SECRET@localhost/') })).status).toBe(400);
    expect((await post({ text: tag('http://127.0.0.1/?URL_SECRET') })).status).toBe(400);
    const form = imageForm(new Uint8Array(Buffer.concat([photograph(), Buffer.from('BYTES_SECRET')])), {
      text: 'PROMPT_SECRET',
    });
    await fetch(`${guarded.url}/image_generate`, { method: 'POST', headers: { authorization }, body: form });
    const pages = await Promise.all(
      [`${guarded.url}/status`, `${guarded.managementUrl}/status`, `${guarded.managementUrl}/metrics`].map(
        async (url) => (await fetch(url, { headers: { authorization } })).text(),
      ),
    );
    expect(pages[2]).toContain('takeoff_remote_image_fetch_duration_seconds_count{result="fetched"} 1');
    expect(pages[2]).toContain('route="/generate",status="200"');
    for (const text of [guarded.output, ...pages]) {
      expect(text).not.toMatch(/_SECRET|hf_secret_token/u);
      expect(text).not.toContain(KEY);
    }
  });

  it('case 23: decoders, which read hostile bytes, are given no secret', async () => {
    const form = imageForm(new Uint8Array(photograph()), { text: 'a' });
    const headers = { authorization: `Bearer ${KEY}` };
    await fetch(`${guarded.url}/image_generate`, { method: 'POST', headers, body: form });
    const decoders = guarded.processes().filter(({ name }) => name === 'decoder');
    expect(decoders).not.toEqual([]);
    for (const { pid } of decoders) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      expect(environment).not.toContain(KEY);
      expect(environment).not.toContain('hf_secret_token');
    }
  });

  it('case 24: pages of other origins get no leave by default, and never with credentials', async () => {
    for (const base of [server.url, server.managementUrl]) {
      for (const [method, route] of [
        ['GET', '/status'],
        ['OPTIONS', '/generate'],
        ['GET', '/healthz'],
      ] as const) {
        const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
        const response = await fetch(base + route, { method, headers });
        await response.text();
        const cors = [...response.headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect(cors, `${method} ${route}`).toEqual([]);
      }
    }
    const open = await startFor('*');
    const response = await fetch(`${open.url}/status`, { headers: { origin: 'https://evil.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
    // Whoever runs the server reads the management port; no page does.
    const managed = await fetch(`${open.managementUrl}/status`, {
      headers: { origin: 'https://evil.example' },
    });
    expect(managed.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('case 24: leave for one page is leave for no other, and not with credentials', async () => {
    const page = 'https://good.example';
    const listing = await startFor(page);
    const leaveFor = async (origin: string): Promise<string | null> => {
      const { headers } = await fetch(`${listing.url}/status`, { headers: { origin } });
      expect(headers.has('access-control-allow-credentials')).toBe(false);
      return headers.get('access-control-allow-origin');
    };
    expect(await leaveFor(page)).toBe(page);
    for (const other of [
      'http://good.example',
      'https://good.example.evil.example',
      'https://evil.good.example',
      'https://good.example:8443',
      'null',
    ])
      expect(await leaveFor(other), other).toBeNull();
  });
});
