// The page below a path of a proxy, with the API on another origin that asks for a key, and with answers that mean harm. The servers
// answer with the prompt itself, so that a question says what is answered.
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { findChromium, launchChromium } from '../client/chromium.js';
import { ask, closeDialog, endedAnswer, IMAGES, openPage, type OpenPage } from './open-page.js';

const chromiumPath = findChromium();
if (chromiumPath === undefined)
  process.stdout.write('No chromium on this machine: the page is not tried (apt-get install chromium).\n');

const KEY = 'key-of-the-test';
/** A name of this machine that is none to the browser. */
const OTHER_MACHINE = 'box.example';

describe.skipIf(chromiumPath === undefined)('the page elsewhere', () => {
  let plain: RunningServer;
  let api: RunningServer;
  let front: RunningServer;
  let browser: Browser;
  let opened: OpenPage;

  beforeAll(async () => {
    plain = await RunningServer.start({ args: ['--echo', 'true'] });
    api = await RunningServer.start({ args: ['--echo', 'true', '--api-key', KEY, '--cors-origins', '*'] });
    front = await RunningServer.start({ args: ['--echo', 'true', '--playground-api', api.url] });
    browser = await launchChromium(chromiumPath ?? '', [
      `--host-resolver-rules=MAP ${OTHER_MACHINE} 127.0.0.1`,
    ]);
  });
  afterAll(async () => {
    await browser.close();
    for (const server of [plain, api, front]) await server.stop();
  });
  afterEach(async () => {
    await opened.close();
    expect(opened.troubles).toEqual([]);
  });

  async function askAsItIs(page: Page, text: string): Promise<string> {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel("Put questions into the model's chat template").uncheck();
    // An echo has a token for each character.
    await page.getByLabel('Longest answer').fill('500');
    await closeDialog(page);
    await ask(page, text);
    return endedAnswer(page, 0);
  }

  it('shows an answer with scripts, links and images of Markdown as text, and loads nothing', async () => {
    opened = await openPage(browser, `${plain.url}/`);
    const { page } = opened;
    const hostile =
      '<script>document.title = "run"</script> <img src=x onerror="document.title = 1"> ' +
      '![image](https://example.com/a.png) [link](javascript:alert(1)) <https://example.com> **bold**';
    expect(await askAsItIs(page, hostile)).toBe(hostile.replaceAll('**', ''));
    expect(await page.title()).toBe('Takeoff');
    expect(await page.locator('.turn').locator('a, img, script, iframe').count()).toBe(0);
    expect(await page.locator('.markdown strong').textContent()).toBe('bold');
  });

  it('works below a path of a proxy', async () => {
    const proxy = stripping('/takeoff', plain.url);
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    try {
      opened = await openPage(browser, `http://127.0.0.1:${port}/takeoff/`);
      expect(await askAsItIs(opened.page, 'Said below a path.')).toBe('Said below a path.');
      await opened.page.getByLabel('Show as a program').click();
      expect(await opened.page.locator('.program').textContent()).toContain(
        `:${port}/takeoff/generate_stream`,
      );
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it('asks an API on another origin, and asks the person for its key', async () => {
    opened = await openPage(browser, `${front.url}/`, {}, [api.url]);
    const { page } = opened;
    const key = page.getByLabel('This server asks for an API key:');
    await key.fill('wrong-key');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not accept this API key').waitFor();
    await page.getByLabel(/another one/u).fill(KEY);
    await page.keyboard.press('Enter');
    await page.locator('.server-state.ready').waitFor();
    expect(await askAsItIs(page, 'Said by another origin.')).toBe('Said by another origin.');
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(KEY);
  });

  it('answers and copies on another machine over plain HTTP, from which browsers keep some functions', async () => {
    const { port } = new URL(plain.url);
    opened = await openPage(browser, `http://${OTHER_MACHINE}:${port}/`);
    const { page } = opened;
    expect(await page.evaluate('isSecureContext')).toBe(false);
    await page.setInputFiles('input[type=file]', path.join(IMAGES, 'two-shapes.jpg'));
    expect(await askAsItIs(page, 'Said to another machine.')).toBe('Said to another machine.');
    await page.getByLabel('Copy the answer').click();
    const field = page.getByLabel('Question', { exact: true });
    await field.press('Control+V');
    // Behind an image an echo begins with the end of a line.
    expect((await field.inputValue()).trim()).toBe('Said to another machine.');
  });

  it('says that the server cannot be reached when it is gone, and is there again when it is back', async () => {
    const proxy = stripping('', plain.url);
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    opened = await openPage(browser, `http://127.0.0.1:${port}/`);
    await opened.page.locator('.server-state.ready').waitFor();
    proxy.closeAllConnections();
    proxy.close();
    await ask(opened.page, 'Is anybody there?');
    await opened.page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
    const back = stripping('', plain.url, port);
    await opened.page.getByText('Try again').click();
    expect(await endedAnswer(opened.page, 0)).toMatch(/^A chat between/u);
    back.closeAllConnections();
    back.close();
  });
});

/** A proxy that takes a path in front away. */
function stripping(prefix: string, target: string, port = 0): Server {
  return createServer((request, response) => {
    const { url = '/', method, headers } = request;
    if (!url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end();
      return;
    }
    const forwarded = httpRequest(`${target}${url.slice(prefix.length)}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  }).listen(port, '127.0.0.1');
}
