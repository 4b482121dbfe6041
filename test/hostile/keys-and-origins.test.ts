// Cases 23 and 24 of docs/security.md: API keys, leaks of secrets, and pages of other origins, through the whole program.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from 'takeoff-server/gateway/http/description/openapi.js';
import { RunningServer } from '../../harness/running-server.js';
import { imageForm } from '../process/requests.js';
import { tag } from './asking.js';
import { photograph } from './files/valid.js';
import { LocalServers } from './local-servers.js';

const KEY = 'a-key-of-the-operator';
const images = new LocalServers();
let imagePort: number;
/** A server with an API key and remote images that logs at the lowest level. */
let guarded: RunningServer;
const others: RunningServer[] = [];
beforeAll(async () => {
  imagePort = await images.http((request, response) => {
    response.writeHead(request.url?.startsWith('/missing') === true ? 404 : 200).end(photograph());
  });
  guarded = await RunningServer.start({
    args: ['--log-level', 'trace', '--allow-remote-images'],
    env: {
      TAKEOFF_ECHO: 'true',
      TAKEOFF_API_KEY: KEY,
      TAKEOFF_ACCESS_TOKEN: 'hf_secret_token',
      TAKEOFF_REMOTE_IMAGE_ALLOWLIST: 'localhost',
      TAKEOFF_REMOTE_IMAGE_PORTS: String(imagePort),
    },
  });
});
afterAll(async () => {
  for (const running of [guarded, ...others]) await running.stop();
  images.close();
});
/** A server with these cors_origins; with none if the argument is left out. */
async function startFor(origins?: string): Promise<RunningServer> {
  const args = origins === undefined ? [] : ['--cors-origins', origins];
  const other = await RunningServer.start({ args, env: { TAKEOFF_ECHO: 'true' } });
  others.push(other);
  return other;
}

describe('a server with keys and secrets', () => {
  it('case 23: every route of every port but health checks, the description and the files of the page wants the API key', async () => {
    const routes: [string, string][] = [
      ['POST', '/generate'],
      ['POST', '/generate_stream'],
      ['POST', '/image_generate'],
      ['POST', '/image_generate_stream'],
      ['GET', '/status'],
      ['GET', '/metrics'],
      ['GET', '/page/status'],
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
          { 'x-api-key': 'wrong' },
          { 'x-api-key': `Bearer ${KEY}` },
        ]) {
          const response = await fetch(base + route, { method, headers });
          expect(response.status, `${method} ${base}${route}`).toBe(401);
          expect(await response.json()).toMatchObject({ error: { code: 'auth.required' } });
        }
      }
      expect((await fetch(`${base}/healthz`)).status).toBe(200);
      for (const headers of [{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }])
        expect((await fetch(`${base}/status`, { headers })).status).toBe(200);
    }
    const page = await fetch(guarded.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect((await fetch(guarded.managementUrl)).status).toBe(401);
  });

  it('case 23: the API key is wanted wherever the description of a port does not say that it is not', async () => {
    const open = new Set<string>();
    for (const base of [guarded.url, guarded.managementUrl, guarded.openaiUrl]) {
      const { paths } = (await (await fetch(`${base}/openapi.json`)).json()) as OpenApiDocument;
      for (const [route, operations] of Object.entries(paths)) {
        for (const [method, { security }] of Object.entries(operations)) {
          if (security?.length === 0) {
            open.add(route);
            continue;
          }
          const address = `${base}${route.replaceAll(/\{\w+\}/gu, 'x')}`;
          const { status } = await fetch(address, { method: method.toUpperCase() });
          expect([method, address, status]).toEqual([method, address, 401]);
        }
      }
    }
    expect([...open].sort()).toEqual([
      '/',
      '/assets/{name}',
      '/docs',
      '/docs.css',
      '/healthz',
      '/livez',
      '/openapi.json',
      '/readyz',
    ]);
  });

  it('case 23: no secret, image or query string is in a log line, metric or status page', async () => {
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
    const signed = (path: string) => tag(`http://localhost:${imagePort}${path}?signature=URL_SECRET`);
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
    expect(pages[2]).toContain('path="/generate",status="200"');
    for (const text of [guarded.output, ...pages]) {
      expect(text).not.toMatch(/_SECRET|hf_secret_token/u);
      expect(text).not.toContain(KEY);
    }
  });

  it('case 23: no secret is in the environment of the decoders', async () => {
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

  it('case 24: no CORS header is sent by default, and with * none that allows credentials', async () => {
    const plain = await startFor();
    for (const base of [plain.url, plain.managementUrl]) {
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
    // The management port is for the operator and allows no page of another origin.
    const managed = await fetch(`${open.managementUrl}/status`, {
      headers: { origin: 'https://evil.example' },
    });
    expect(managed.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('case 24: an allowed origin gets its header, no other origin does, and credentials are never allowed', async () => {
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
