import { afterEach, describe, expect, it } from 'vitest';
import { managementApp } from '../management-app.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

const PAGE = 'https://app.example';
let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(...corsOrigins: string[]): Promise<ScriptedApp> {
  opened = await scriptedApp({ corsOrigins });
  return opened;
}

const preflight = (origin: string) => ({
  method: 'OPTIONS' as const,
  url: '/generate_stream',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  },
});
const question = (origin: string, url = '/generate') => ({
  method: 'POST' as const,
  url,
  payload: { text: 'a' },
  headers: { origin },
});

/** Names of all headers of an answer that have to do with origins. */
const corsHeaders = (headers: object): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('without cors_origins', () => {
  it('says nothing to pages of other origins', async () => {
    const { app } = await open();
    const answer = await app.inject(question(PAGE));
    expect(answer.statusCode).toBe(200);
    expect(corsHeaders(answer.headers)).toEqual([]);
    const asked = await app.inject(preflight(PAGE));
    expect(asked.statusCode).toBe(404);
    expect(corsHeaders(asked.headers)).toEqual([]);
  });
});

describe('a page that cors_origins names', () => {
  it('may send what the libraries of OpenAI and Anthropic add to their requests, and no other header', async () => {
    const { app } = await open(PAGE);
    const asked = preflight(PAGE);
    const names =
      'Authorization, x-stainless-os,X-Stainless-Retry-Count, user-agent, openai-organization, x-api-key, anthropic-version, anthropic-other, cookie, x-other';
    const { headers } = await app.inject({
      ...asked,
      headers: { ...asked.headers, 'access-control-request-headers': names },
    });
    expect(headers['access-control-allow-headers']).toBe(
      'authorization, content-encoding, content-type, x-stainless-os, x-stainless-retry-count, user-agent, openai-organization, x-api-key, anthropic-version',
    );
  });

  it('may ask before it calls', async () => {
    const { app } = await open('https://other.example', PAGE);
    const { statusCode, headers, payload } = await app.inject(preflight(PAGE));
    expect({ statusCode, payload }).toEqual({ statusCode: 204, payload: '' });
    expect(headers).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-encoding, content-type',
      vary: 'Origin',
    });
  });

  it.each(['/generate', '/generate_stream'])('may read the answer of %s', async (url) => {
    const { app } = await open(PAGE);
    const { statusCode, headers } = await app.inject(question(PAGE, url));
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': PAGE,
      'access-control-expose-headers': 'request-id, retry-after, server-timing, x-request-id',
      vary: 'Origin',
    });
  });

  it('may read why a request was refused, at whatever stage', async () => {
    const { app, progress } = await open(PAGE);
    const refusals = [
      { ...question(PAGE), payload: { text: 5 } },
      question(PAGE, '/nowhere'),
      { ...question(PAGE), payload: 'x', headers: { origin: PAGE, 'content-length': '999999999' } },
    ];
    for (const request of refusals) {
      const { statusCode, headers } = await app.inject(request);
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(headers['access-control-allow-origin']).toBe(PAGE);
    }
    progress.isDraining = true;
    const { statusCode, headers } = await app.inject(question(PAGE));
    expect(statusCode).toBe(503);
    expect(headers['access-control-allow-origin']).toBe(PAGE);
  });
});

it.each(['https://app.example.evil', 'http://app.example', 'https://app.example:8443', 'null', ''])(
  'the origin %j is not one that only looks like it',
  async (origin) => {
    const { app } = await open(PAGE);
    for (const request of [preflight(origin), question(origin)]) {
      const { headers } = await app.inject(request);
      expect(corsHeaders(headers)).toEqual([]);
      // A cache that keeps this answer must not give it to the page that may.
      expect(headers.vary).toBe('Origin');
    }
  },
);

it('a wildcard allows every page, by name of none and without credentials', async () => {
  const { app } = await open('*');
  for (const request of [preflight('https://any.example'), question('https://any.example')]) {
    const { headers } = await app.inject({
      ...request,
      headers: { ...request.headers, cookie: 'session=1' },
    });
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers['set-cookie']).toBeUndefined();
  }
});

it('never allows credentials to a named page either', async () => {
  const { app } = await open(PAGE);
  for (const request of [preflight(PAGE), question(PAGE)])
    expect((await app.inject(request)).headers['access-control-allow-credentials']).toBeUndefined();
});

it('leaves programs without an origin and plain OPTIONS requests as they were', async () => {
  const { app } = await open(PAGE);
  const answer = await app.inject({ method: 'POST', url: '/generate', payload: { text: 'a' } });
  expect(answer.statusCode).toBe(200);
  expect(corsHeaders(answer.headers)).toEqual([]);
  expect(
    (await app.inject({ method: 'OPTIONS', url: '/generate', headers: { origin: PAGE } })).statusCode,
  ).toBe(404);
});

it('does not open the management port', async () => {
  const { service } = await open('*');
  const management = await managementApp({ readers: service });
  const { headers } = await management.inject({ url: '/status', headers: { origin: PAGE } });
  expect(corsHeaders(headers)).toEqual([]);
  await management.close();
});
