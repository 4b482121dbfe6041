import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { formOf } from '../native/multipart.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

const LIMIT_BYTES = 100_000;

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const FORM = formOf({ json_data: { text: 'hi' }, image_data: Buffer.from('image') });
const JSON_BODY = Buffer.from('{"text": "hi"}');

async function post(url: string, type: string, payload: Buffer, encoding: string, memoryBytes = LIMIT_BYTES) {
  opened ??= await scriptedApp({
    limits: { bodySizeLimitBytes: LIMIT_BYTES, bodyMemoryLimitBytes: memoryBytes },
  });
  const headers = { 'content-type': type, 'content-encoding': encoding };
  const response = await opened.app.inject({ method: 'POST', url, payload, headers });
  return { status: response.statusCode, headers: response.headers, ...response.json<Answer>() };
}

interface Answer {
  readonly text?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

const postJson = (payload: Buffer, encoding: string) =>
  post('/generate', 'application/json', payload, encoding);

/** At the usual quality megabytes take seconds. */
const brotli = (bytes: Buffer): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });

const CODINGS: readonly [string, (bytes: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['identity, gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotli],
  ['identity', (bytes) => bytes],
  ['', (bytes) => bytes],
];

describe('a body with Content-Encoding', () => {
  it.each(CODINGS)('%s is read as JSON and as a form', async (encoding, encode) => {
    expect(await postJson(encode(JSON_BODY), encoding)).toMatchObject({ status: 200, text: 'hi' });
    const type = FORM.headers['content-type'];
    const form = await post('/image_generate', type, encode(FORM.payload), encoding);
    expect(form).toMatchObject({ status: 200, text: 'hi' });
    expect(opened?.uploads).toEqual([Buffer.from('image')]);
  });

  it('of a coding that is not taken does not matter where no body is read', async () => {
    opened = await scriptedApp();
    const headers = { 'content-encoding': 'zstd' };
    for (const url of ['/v1/models', '/status', '/healthz'])
      expect([url, (await opened.app.inject({ url, headers })).statusCode]).toEqual([url, 200]);
  });

  it('of several members of gzip is read as one', async () => {
    const halves = Buffer.concat([gzipSync('{"text":'), gzipSync(' "hi"}')]);
    expect(await postJson(halves, 'gzip')).toMatchObject({ status: 200, text: 'hi' });
  });

  it.each(['zstd', 'compress', 'gzip, br', 'gzip, gzip', 'aws-chunked', '*', 'x'.repeat(5000)])(
    '%s is refused by name, with the codings that are taken',
    async (encoding) => {
      for (const [url, type] of [
        ['/generate', 'application/json'],
        ['/image_generate_stream', FORM.headers['content-type']],
      ] as const) {
        const { status, headers, error } = await post(url, type, FORM.payload, encoding);
        expect([status, error?.code]).toEqual([415, 'request.encoding_unsupported']);
        expect(headers['accept-encoding']).toBe('gzip, deflate, br');
        expect(error?.message).toContain('Content-Encoding');
        expect(error?.message).toContain(encoding.slice(0, 50));
        expect(error?.message.length).toBeLessThan(300);
      }
    },
  );

  it.each(CODINGS.slice(0, 7))(
    '%s that ends too early, is empty or damaged, is refused',
    async (coding, encode) => {
      const whole = encode(JSON_BODY);
      for (const body of [whole.subarray(0, -1), whole.subarray(0, 1), Buffer.alloc(0)]) {
        const { status, error } = await postJson(body, coding);
        expect([body.length, status, error?.code]).toEqual([body.length, 400, 'request.encoding_broken']);
      }
      const { status, error } = await postJson(JSON_BODY, coding);
      expect([status, error?.code]).toEqual([400, 'request.encoding_broken']);
      expect(error?.message).toContain('Content-Encoding');
    },
  );

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotli],
  ])('%s is accepted up to the limit of bytes as they are decoded', async (coding, encode) => {
    const padded = (bytes: number): Buffer => encode(Buffer.from('{"text": "hi"}'.padEnd(bytes)));
    expect(await postJson(padded(LIMIT_BYTES), coding)).toMatchObject({ status: 200 });
    const { status, error } = await postJson(padded(LIMIT_BYTES + 1), coding);
    expect([status, error?.code]).toEqual([413, 'request.body_too_large']);
    expect(error?.message).toContain('body_size_limit_bytes');
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotli],
  ])('%s that would grow without end is not decoded past the limit', async (coding, encode) => {
    // Its end is missing, which only who decodes all of it would notice.
    const bomb = encode(Buffer.alloc(20_000_000)).subarray(0, -1);
    expect(bomb.length).toBeLessThan(LIMIT_BYTES);
    const { status, error } = await postJson(bomb, coding);
    expect([status, error?.code]).toEqual([413, 'request.body_too_large']);
  });

  it('is refused by its compressed size, too: what is sent has the same limit', async () => {
    // Twenty bytes each, out of which nothing comes.
    const empty = Buffer.concat(Array.from({ length: LIMIT_BYTES / 20 + 1 }, () => gzipSync('')));
    expect(await postJson(empty, 'gzip')).toMatchObject({ status: 413 });
  });

  it('is counted at the largest size it may have among the bodies in memory', async () => {
    const body = gzipSync(JSON_BODY);
    await postJson(body, 'gzip');
    const answers = await Promise.all(Array.from({ length: 3 }, () => postJson(body, 'gzip')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses).toContain(503);
    expect(await postJson(body, 'gzip')).toMatchObject({ status: 200 });
  });
});
