// The page that docs/client.md prints, in a real browser: the built client streams an answer for a chosen file.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { findChromium, launchChromium } from './chromium.js';
import { examplesOf, redirection, ROOT } from './page-examples.js';

const chromiumPath = findChromium();
if (chromiumPath === undefined)
  process.stdout.write(
    'No chromium on this machine: the client is not tried in a browser (apt-get install chromium).\n',
  );

const IMAGE_PATH = path.join(ROOT, 'models/demo/images/two-shapes.jpg');
const [html = ''] = examplesOf('docs/client.md', 'html');

/** Serves the page, and beside it the files of the library under the paths that the page imports. */
function servePage(): Server {
  return createServer((request, response) => {
    const file = /^\/takeoff-client\/(\w+\.js)$/u.exec(request.url ?? '')?.[1];
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(html);
    else if (file === undefined) response.writeHead(404).end();
    else
      response.setHeader('content-type', 'text/javascript').end(readFileSync(`${ROOT}client/dist/${file}`));
  });
}

describe.skipIf(chromiumPath === undefined)('the client in a browser', () => {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-browser-'));
  let server: RunningServer;
  let browser: Browser;
  let pages: Server;
  let pagePort: number;
  let page: Page;

  beforeAll(async () => {
    pages = servePage().listen(0, '127.0.0.1');
    await once(pages, 'listening');
    pagePort = (pages.address() as AddressInfo).port;
    server = await RunningServer.start({
      args: ['--repository-path', cache, '--cors-origins', `http://localhost:${pagePort}`],
    });
    browser = await launchChromium(chromiumPath ?? '');
  });
  afterAll(async () => {
    await browser.close();
    pages.close();
    await server.stop();
    rmSync(cache, { recursive: true });
  });
  afterEach(() => page.close());

  /** Opens the page. Its origin on `localhost` is in cors_origins, that on 127.0.0.1 is not. */
  async function open(host: 'localhost' | '127.0.0.1'): Promise<void> {
    page = await browser.newPage();
    await page.addInitScript(redirection(server));
    await page.goto(`http://${host}:${pagePort}/`);
  }

  it('streams the answer for a chosen file on the page of docs/client.md', async () => {
    await open('localhost');
    // Records every text that the page shows.
    await page.evaluate(`
      globalThis.shown = [];
      const answer = document.querySelector('p');
      new MutationObserver(() => shown.push(answer.textContent)).observe(answer, { childList: true });`);
    await page.setInputFiles('input', IMAGE_PATH);
    await page.waitForFunction("document.querySelector('p').textContent.endsWith('.')");
    const shown = await page.evaluate<string[]>('shown');
    expect(shown.at(-1)).toMatch(/^The picture shows a large yellow triangle .* white background\.$/u);
    const states = new Set(shown.filter((text) => text !== ''));
    expect(states.size).toBeGreaterThan(3);
    for (const state of states) expect(shown.at(-1)?.startsWith(state)).toBe(true);
  });

  it("stops the server's work when the loop is left, and gives errors the server's code", async () => {
    await open('localhost');
    const seen = await page.evaluate<unknown>(`(async () => {
      const { TakeoffClient, TakeoffApiError } = await import('./takeoff-client/index.js');
      const client = new TakeoffClient({ apiKey: 'makes the browser ask first' });
      const texts = Array.from({ length: 50 }, (_, i) => 'USER: ' + i);
      for await (const _ of client.generateStream(texts, { maxNewTokens: 1900, minNewTokens: 1900 })) break;
      const error = await client.generate('a', { image: new Uint8Array(9) }).catch((thrown) => thrown);
      const path = await client.generate('a', { image: 'a.png' }).catch((thrown) => thrown);
      return {
        isApiError: error instanceof TakeoffApiError,
        code: error.code,
        hasRequestId: typeof error.requestId === 'string',
        path: path.code,
        healthy: await client.healthy(),
      };
    })()`);
    expect(seen).toEqual({
      isApiError: true,
      code: 'image.format_unsupported',
      hasRequestId: true,
      path: 'client.invalid_input',
      healthy: true,
    });
    const openPrompts = async (): Promise<unknown> => {
      const { status } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
        status: { live_readers: Record<string, { open_prompts: number }> };
      };
      return Object.values(status.live_readers).map(({ open_prompts }) => open_prompts);
    };
    await expect.poll(openPrompts).toEqual([0]);
  });

  it('gets no answer on a page whose origin is not in cors_origins', async () => {
    await open('127.0.0.1');
    await page.setInputFiles('input', IMAGE_PATH);
    await page.waitForFunction("document.querySelector('p').textContent !== ''");
    expect(await page.textContent('p')).toMatch(
      /^The request to http:\/\/localhost:3000 failed before its answer/u,
    );
  });
});
