import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pageStatusSchema } from 'takeoff-wire';
import { afterEach, describe, expect, it } from 'vitest';
import { CARD, ScriptedReaders } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';
import { pageFile } from './page-files.js';
import type { PageOptions } from './page-routes.js';

const HTML = '<!doctype html><title>Takeoff</title>';
const PAGE: PageOptions = {
  files: {
    html: pageFile('index.html', Buffer.from(HTML)),
    assets: [
      pageFile('assets/index-1a.js', Buffer.from('let a')),
      pageFile('assets/a-2b.png', Buffer.from([1])),
    ],
  },
  apiAddress: null,
  limits: { body_size_limit_bytes: 1, max_image_pixels: 2, max_image_side_px: 3 },
};

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const open = async (options: ScriptedAppOptions = {}, readers?: ScriptedReaders): Promise<ScriptedApp> => {
  opened = await scriptedApp({ page: PAGE, ...options }, readers);
  return opened;
};

describe('the page', () => {
  it('is answered at / under a strict policy, and asked for again at each visit', async () => {
    const { app } = await open();
    const { statusCode, payload, headers } = await app.inject('/');
    expect([statusCode, payload]).toEqual([200, HTML]);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'self'; img-src 'self' blob:; connect-src 'self';/u,
    );
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['cache-control']).toBe('no-cache');
    const again = await app.inject({ url: '/', headers: { 'if-none-match': String(headers.etag) } });
    expect([again.statusCode, again.payload]).toEqual([304, '']);
  });

  it('has its files at their names, kept for a year', async () => {
    const { app } = await open();
    const { headers } = await app.inject('/assets/index-1a.js');
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    expect((await app.inject('/assets/a-2b.png')).headers['content-type']).toBe('image/png');
    for (const url of ['/assets/', '/assets/../package.json', '/assets/index-1a.js/', '/index.html'])
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 404]);
  });

  it.each([
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
  ])('is compressed for a browser that accepts %s', async (accepted, encoding, decompress) => {
    const { app } = await open();
    const { headers, rawPayload } = await app.inject({ url: '/', headers: { 'accept-encoding': accepted } });
    expect(headers['content-encoding']).toBe(encoding);
    expect(decompress(rawPayload).toString()).toBe(HTML);
  });

  it('is answered without the API key, and its status is not', async () => {
    const { app } = await open({ apiKey: 'key-of-the-test' });
    expect((await app.inject('/')).statusCode).toBe(200);
    expect((await app.inject('/assets/index-1a.js')).statusCode).toBe(200);
    expect((await app.inject('/page/status')).statusCode).toBe(401);
    const headers = { authorization: 'Bearer key-of-the-test' };
    expect((await app.inject({ url: '/page/status', headers })).statusCode).toBe(200);
  });

  it('may ask the address of another API where one is configured', async () => {
    const { app } = await open({ page: { ...PAGE, apiAddress: 'https://api.example/takeoff' } });
    const { headers } = await app.inject('/');
    expect(headers['content-security-policy']).toContain("connect-src 'self' https://api.example;");
  });

  it('is not there where it is switched off', async () => {
    opened = await scriptedApp();
    for (const url of ['/', '/page/status']) expect((await opened.app.inject(url)).statusCode).toBe(404);
  });
});

describe('/page/status', () => {
  it('has the limits and what each reader does', async () => {
    const readers = new ScriptedReaders();
    readers.card = { ...CARD, loras: ['birds'] };
    const { app } = await open({}, readers);
    const status = (await app.inject('/page/status')).json<unknown>();
    expect(pageStatusSchema.parse(status)).toEqual(status);
    expect(status).toEqual({
      version: 'test',
      limits: PAGE.limits,
      readers: [
        {
          reader_id: 'reader1',
          consumer_groups: ['primary'],
          model_name: 'demo',
          state: 'live',
          open_prompts: 0,
          max_batch_size: 8,
          takes_images: true,
          image_tokens: 64,
          loras: ['birds'],
        },
      ],
    });
  });

  it('tells how far loading is, without the paths that the operator sees', async () => {
    const readers = new ScriptedReaders();
    readers.card = null;
    const { app, service } = await open({}, readers);
    readers.last.say({ kind: 'loading', stage: 'waiting for another process (/secret/lock)', fraction: 0.5 });
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('loading');
    const { payload } = await app.inject('/page/status');
    expect(JSON.parse(payload)).toMatchObject({
      readers: [
        { state: 'loading', stage: 'waiting for another process', fraction: 0.5, takes_images: null },
      ],
    });
    readers.last.say({ kind: 'failed', code: 'checkpoint.missing', message: 'There is no /secret/path.' });
    readers.last.die();
    await expect.poll(() => service.readers()[0]?.state.kind).toBe('dead');
    const dead = await app.inject('/page/status');
    expect(dead.json()).toMatchObject({
      readers: [{ state: 'dead', failure: { code: 'checkpoint.missing', restarts: false } }],
    });
    expect(payload + dead.payload).not.toContain('secret');
  });
});
