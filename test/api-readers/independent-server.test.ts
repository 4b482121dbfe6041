// A server whose reader forwards to somebody else's server: @copilotkit/aimock, which speaks OpenAI's API from the descriptions of it, on
// Node alone. Pinned, in a temporary folder. Downloads a package, so it runs under `npm run test:api-readers` only.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { RunningServer } from '../../harness/running-server.js';

const isAsked = isLongForm('test:api-readers');
const PACKAGES = { '@copilotkit/aimock': '1.43.0' };
const INSTALL_TIMEOUT_MS = 300_000;
const PROGRAM = `
import { LLMock } from '@copilotkit/aimock';
const mock = new LLMock({ port: 0, chunkSize: 5 });
mock.onMessage(/hello/i, { content: 'Hello from elsewhere.', usage: { prompt_tokens: 11, completion_tokens: 5 } });
mock.onMessage(/long/i, { content: 'word '.repeat(2000), finishReason: 'length' }, { latency: 20 });
await mock.start();
console.log(mock.url);
`;

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-independent-'));
const image = readFileSync('models/demo/images/two-shapes.jpg');
let mock: ChildProcess;
let mockUrl: string;
let server: RunningServer;

beforeAll(async () => {
  if (!isAsked) return;
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: PACKAGES }),
  );
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts'], {
    cwd: folder,
  });
  writeFileSync(path.join(folder, 'mock.js'), PROGRAM);
  mock = spawn(process.execPath, ['mock.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(mock.stdout ?? mock, 'data')) as [Buffer];
  mockUrl = line.toString().trim();
  server = await RunningServer.start({
    args: ['--device', 'api', '--api-url', mockUrl, '--api-model', 'gpt-4o', '--api-busy-timeout-ms', '2500'],
  });
}, INSTALL_TIMEOUT_MS);
afterEach(async () => {
  if (isAsked) await fetch(`${mockUrl}/__aimock/chaos`, { method: 'DELETE' });
});
afterAll(async () => {
  if (isAsked) {
    await server.stop();
    mock.kill();
  }
  rmSync(folder, { recursive: true });
});

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const ask = async (text = 'Hello.', more: object = {}) => {
  const response = await post(`${server.url}/generate`, {
    text,
    use_chat_template: true,
    return_metadata: true,
    ...more,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const chaos = (rates: object) => post(`${mockUrl}/__aimock/chaos`, rates);

interface Asked {
  readonly path: string;
  readonly body: { readonly messages?: readonly { readonly content: unknown }[] } & Record<string, unknown>;
}
const journal = async (): Promise<Asked[]> =>
  ((await (await fetch(`${mockUrl}/__aimock/journal`)).json()) as Asked[]).filter(({ path: asked }) =>
    asked.endsWith('/chat/completions'),
  );

describe.skipIf(!isAsked)("a reader that forwards to somebody else's server", () => {
  it('answers with its words and its counts', async () => {
    expect(await ask()).toMatchObject({
      status: 200,
      body: { text: 'Hello from elsewhere.', metadata: { prompt_tokens: 11, generated_tokens: 5 } },
    });
    expect((await journal()).at(-1)?.body).toMatchObject({ model: 'gpt-4o', temperature: 0, stream: true });
  });

  it('hands images on as data URLs of PNG files', async () => {
    const form = new FormData();
    form.set('image_data', new Blob([image]), 'image.jpg');
    form.set('json_data', JSON.stringify({ text: 'Hello, image.', use_chat_template: true }));
    const response = await fetch(`${server.url}/image_generate`, { method: 'POST', body: form });
    expect(await response.json()).toEqual({ text: 'Hello from elsewhere.' });
    const content = JSON.stringify((await journal()).at(-1)?.body.messages?.[0]?.content);
    expect(content).toContain('data:image/png;base64,iVBORw0KGgo');
  });

  it('tells why an answer ended', async () => {
    const { body } = await ask('Something long.');
    expect(body).toMatchObject({ metadata: { finish_reason: 'length' } });
  }, 120_000);

  it('waits while it is told to, and says so when that takes too long', async () => {
    await chaos({ rateLimitRate: 1 });
    const waiting = ask();
    setTimeout(() => void fetch(`${mockUrl}/__aimock/chaos`, { method: 'DELETE' }), 500);
    expect((await waiting).status).toBe(200);
    await chaos({ rateLimitRate: 1 });
    expect(await ask()).toMatchObject({ status: 503, body: { error: { code: 'cluster.busy' } } });
  });

  it.each([
    ['disconnectRate', 'cluster.unreachable'],
    ['dropRate', 'cluster.broken'],
    ['malformedRate', 'cluster.broken'],
  ])(
    'ends in one error for %s',
    async (rate, code) => {
      await chaos({ [rate]: 1 });
      expect(await ask()).toMatchObject({ status: 503, body: { error: { code } } });
      await fetch(`${mockUrl}/__aimock/chaos`, { method: 'DELETE' });
      await server.until(() => server.isReady(), 60_000);
      expect((await ask()).status).toBe(200);
    },
    120_000,
  );

  it('refuses what it would ignore', async () => {
    expect(await ask('Hello.', { sampling_topk: 50 })).toMatchObject({
      status: 400,
      body: { error: { code: 'request.not_supported' } },
    });
  });
});
