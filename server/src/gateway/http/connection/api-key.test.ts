import { afterEach, expect, it } from 'vitest';
import { managementApp } from '../management-app.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

const KEY = 'correct-horse';
let open: ScriptedApp | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

it('is asked of every route of the inference port, unknown ones included, and not of health checks', async () => {
  open = await scriptedApp({ apiKey: KEY });
  const { app } = open;
  const asked = ['/generate', '/generate_stream', '/image_generate', '/image_generate_stream'].map((url) => ({
    method: 'POST' as const,
    url,
    payload: { text: 'a' },
  }));
  for (const request of [
    ...asked,
    { method: 'GET' as const, url: '/status' },
    { method: 'GET' as const, url: '/no/such' },
  ]) {
    const answer = await app.inject(request);
    expect(answer.statusCode, request.url).toBe(401);
    expect(answer.json()).toMatchObject({ error: { code: 'auth.required' } });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  }
  for (const url of ['/healthz', '/readyz', '/readyz?consumer_group=primary'])
    expect((await app.inject(url)).statusCode, url).toBe(200);
  expect((await app.inject({ url: '/status', headers: bearer(KEY) })).statusCode).toBe(200);
  expect((await app.inject({ url: '/no/such', headers: bearer(KEY) })).statusCode).toBe(404);
  const answer = await app.inject({
    method: 'POST',
    url: '/generate',
    payload: { text: 'a' },
    headers: bearer(KEY),
  });
  expect(answer.statusCode).toBe(200);
});

it.each([
  `Bearer ${KEY}x`,
  `Bearer ${KEY.slice(0, -1)}`,
  `Bearer ${KEY.toUpperCase()}`,
  'Bearer',
  'Bearer  ',
  `Basic ${KEY}`,
  KEY,
  `Bearer ${KEY} ${KEY}`,
  `Bearer ${'x'.repeat(10_000)}`,
])('is not %j', async (authorization) => {
  open = await scriptedApp({ apiKey: KEY });
  const answer = await open.app.inject({ url: '/status', headers: { authorization } });
  expect(answer.statusCode).toBe(401);
  expect(answer.body).not.toContain(KEY);
});

it('is taken whatever the case of the word in front of it', async () => {
  open = await scriptedApp({ apiKey: KEY });
  const answer = await open.app.inject({ url: '/status', headers: { authorization: `bearer ${KEY}` } });
  expect(answer.statusCode).toBe(200);
});

it('is asked of the management port as well', async () => {
  open = await scriptedApp();
  const management = await managementApp({ readers: open.service, apiKey: KEY });
  for (const url of ['/status', '/metrics']) {
    expect((await management.inject(url)).statusCode, url).toBe(401);
    expect((await management.inject({ url, headers: bearer(KEY) })).statusCode, url).toBe(200);
  }
  expect((await management.inject('/healthz')).statusCode).toBe(200);
  await management.close();
});

it('is asked of nobody when it is not set', async () => {
  open = await scriptedApp();
  expect((await open.app.inject('/status')).statusCode).toBe(200);
});
