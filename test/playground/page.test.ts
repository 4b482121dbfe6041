// The page driven as a person would, on the demo model, in Debian's chromium.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { findChromium, launchChromium } from '../client/chromium.js';
import {
  ask,
  axeFindings,
  closeDialog,
  endedAnswer,
  IMAGES,
  openPage,
  setNumber,
  type OpenPage,
} from './open-page.js';

const chromiumPath = findChromium();
if (chromiumPath === undefined)
  process.stdout.write('No chromium on this machine: the page is not tried (apt-get install chromium).\n');

const TWO_SHAPES = path.join(IMAGES, 'two-shapes.jpg');

describe.skipIf(chromiumPath === undefined)('the page', () => {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-page-'));
  let server: RunningServer;
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;

  beforeAll(async () => {
    server = await RunningServer.start({ args: ['--repository-path', cache] });
    browser = await launchChromium(chromiumPath ?? '');
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    rmSync(cache, { recursive: true });
  });
  beforeEach(async () => {
    opened = await openPage(browser, `${server.url}/`);
    ({ page } = opened);
  });
  afterEach(async () => {
    await opened.close();
    expect(opened.troubles).toEqual([]);
  });

  const openPrompts = async (): Promise<unknown> => {
    const { status } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
      status: { live_readers: Record<string, { open_prompts: number }> };
    };
    return Object.values(status.live_readers).map(({ open_prompts }) => open_prompts);
  };

  /** 0 while there is none. */
  const readerPid = (): number => server.processes().find(({ name }) => name === 'reader')?.pid ?? 0;

  /**
   * An answer that has begun and does not go on: where processors are fast, the longest that the demo model can give would have ended
   * before a person, or a browser, did anything.
   * @returns the process id of the reader, which stands still
   */
  async function beginLongAnswer(): Promise<number> {
    await setNumber(page, 'Longest answer', '1800');
    await setNumber(page, 'Shortest answer', '1800');
    await ask(page, 'Tell me of circles.');
    await page.locator('.turn .markdown').waitFor();
    const pid = readerPid();
    process.kill(pid, 'SIGSTOP');
    return pid;
  }

  it('answers one click after it was opened, and says what it took', async () => {
    await page.getByText('Which bar is the tallest?').click();
    expect(await endedAnswer(page, 0)).toBe('The purple bar is the tallest.');
    const facts = page.locator('.facts');
    expect(await facts.locator('summary').textContent()).toMatch(
      /first token after .* tokens\/s · complete$/u,
    );
    await facts.locator('summary').click();
    expect(await facts.locator('dl').textContent()).toMatch(/of it the image64 tokens/u);
  });

  it('sends a question before it draws that it was asked, and the image as bytes that are at hand', async () => {
    await page.evaluate(`(() => {
      const { fetch } = window;
      window.drawnWhenSent = [];
      window.fetch = (url, init) => {
        if (url.endsWith('_stream'))
          window.drawnWhenSent.push([document.querySelectorAll('.turn').length, init.body instanceof Uint8Array]);
        return fetch(url, init);
      };
    })()`);
    await page.setInputFiles('input[type=file]', TWO_SHAPES);
    await page.getByText('Ask about this image').waitFor();
    await ask(page, 'Is there a circle?');
    await endedAnswer(page, 0);
    await ask(page, 'Is there a square?');
    await endedAnswer(page, 1);
    expect(await page.evaluate('window.drawnWhenSent')).toEqual([
      [0, true],
      [1, true],
    ]);
  });

  it('keeps the image for the next question, asks again and copies', async () => {
    await page.setInputFiles('input[type=file]', TWO_SHAPES);
    await page.getByText('640 × 427 · JPEG · 10 KiB · 64 tokens').waitFor();
    await ask(page, 'What color is the triangle?');
    expect(await endedAnswer(page, 0)).toBe('The triangle is yellow.');
    await ask(page, 'How big is the triangle?');
    expect(await endedAnswer(page, 1)).toBe('The triangle is large.');
    await page.getByLabel('Ask again').first().click();
    expect(await endedAnswer(page, 0)).toBe('The triangle is yellow.');
    await page.getByLabel('Copy the answer').nth(1).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('The triangle is large.');
    await page.getByLabel('Edit the question').first().click();
    expect(await page.getByLabel('Question', { exact: true }).inputValue()).toBe(
      'What color is the triangle?',
    );
  });

  it('takes a pasted image, asks about a part of it, and shows how it is zoomed', async () => {
    const base64 = (await sharp(TWO_SHAPES).png().toBuffer()).toString('base64');
    await page.evaluate(`(async () => {
      const bytes = Uint8Array.from(atob('${base64}'), (letter) => letter.charCodeAt(0));
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) })]);
    })()`);
    await page.keyboard.press('Control+V');
    const image = page.getByAltText('The chosen image, image.png');
    const { x, y, width, height } = (await image.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.getByLabel('Ask about a part').click();
    // The right half, where the triangle is and the circle is not.
    await page.mouse.move(x + width * 0.62, y + 4);
    await page.mouse.down();
    await page.mouse.move(x + width - 4, y + height - 4, { steps: 4 });
    await page.mouse.up();
    await page.getByText(/^2\d\d × 4\d\d of it is asked about$/u).waitFor();
    await ask(page, 'How many shapes do you see?');
    expect(await endedAnswer(page, 0)).toBe('There is one shape.');
    await page.getByLabel('Larger').click();
    expect(((await image.boundingBox())?.width ?? 0) / width).toBeCloseTo(1.5, 1);
  });

  it('takes an image that is dropped on it from another program', async () => {
    const session = await page.context().newCDPSession(page);
    const data = { items: [], files: [TWO_SHAPES], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data });
    await page.getByText('640 × 427 · JPEG · 10 KiB · 64 tokens').waitFor();
    await ask(page, 'What color is the triangle?');
    expect(await endedAnswer(page, 0)).toBe('The triangle is yellow.');
  });

  it('photographs on a telephone, where nothing is wider than the screen', async () => {
    const telephone = await openPage(browser, `${server.url}/`, {
      viewport: { width: 390, height: 760 },
      hasTouch: true,
      isMobile: true,
    });
    const camera = telephone.page.getByLabel('Take a photograph');
    expect(await camera.getAttribute('capture')).toBe('environment');
    await telephone.page.getByText('Take a photograph').waitFor();
    await camera.setInputFiles(TWO_SHAPES);
    await ask(telephone.page, 'What color is the triangle?');
    expect(await endedAnswer(telephone.page, 0)).toBe('The triangle is yellow.');
    expect(await telephone.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await telephone.close();
    expect(telephone.troubles).toEqual([]);
  });

  it('asks about an image that is still being looked at when the question is sent', async () => {
    const hurried = await openPage(browser, `${server.url}/`);
    await hurried.page.evaluate(`(() => {
      const { arrayBuffer } = Blob.prototype;
      Blob.prototype.arrayBuffer = async function () {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return arrayBuffer.call(this);
      };
    })()`);
    await hurried.page.setInputFiles('input[type=file]', TWO_SHAPES);
    await ask(hurried.page, 'What color is the triangle?');
    expect(await endedAnswer(hurried.page, 0)).toBe('The triangle is yellow.');
    await hurried.close();
    expect(hurried.troubles).toEqual([]);
  });

  it('takes another image after one that the browser could not read', async () => {
    const unlucky = await openPage(browser, `${server.url}/`);
    await unlucky.page.evaluate(`(() => {
      const { arrayBuffer } = Blob.prototype;
      Blob.prototype.arrayBuffer = function () {
        Blob.prototype.arrayBuffer = arrayBuffer;
        return Promise.reject(new DOMException('moved away', 'NotReadableError'));
      };
    })()`);
    await unlucky.page.setInputFiles('input[type=file]', TWO_SHAPES);
    await unlucky.page.setInputFiles('input[type=file]', TWO_SHAPES);
    await ask(unlucky.page, 'What color is the triangle?');
    expect(await endedAnswer(unlucky.page, 0)).toBe('The triangle is yellow.');
    await unlucky.close();
  });

  it('shows the prompt as the template of the model renders it', async () => {
    await page.getByLabel('Question', { exact: true }).fill('Is there a circle?');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByText('Show the rendered prompt').click();
    await page.locator('.program').waitFor();
    expect(await page.locator('.program').textContent()).toMatch(/USER: Is there a circle\?.*ASSISTANT:/su);
    await closeDialog(page);
  });

  it('offers the adapters of the readers, and asks for the one that is chosen', async () => {
    // The demo model has none, so the server refuses by name what the page was told to offer.
    await page.route('**/page/status', async (route) => {
      const response = await route.fetch();
      const status = (await response.json()) as { readers: object[] };
      const readers = status.readers.map((reader) => ({ ...reader, loras: ['birds', 'charts'] }));
      await route.fulfill({ response, json: { ...status, readers } });
    });
    await page.reload();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('LoRA adapter').selectOption('charts');
    await closeDialog(page);
    await ask(page, 'Hello.');
    expect(await page.getByRole('alert').textContent()).toMatch(/charts.*request\.unknown_lora/su);
  });

  it('shrinks a large photograph while the question is typed, once, and refuses what is no image before it is uploaded', async () => {
    const photo = await sharp(TWO_SHAPES).resize(4000, 2669).withExif({ IFD0: {} }).jpeg().toBuffer();
    await page.evaluate(`(() => {
      const { postMessage } = Worker.prototype;
      window.redrawn = 0;
      Worker.prototype.postMessage = function (order) {
        window.redrawn += 1;
        postMessage.call(this, order);
      };
    })()`);
    await page.setInputFiles('input[type=file]', {
      name: 'photo.jpg',
      mimeType: 'image/jpeg',
      buffer: photo,
    });
    await page.getByText('Sent as 2048 × 1367').waitFor();
    await page.waitForFunction('window.redrawn === 1');
    await ask(page, 'What color is the triangle?');
    expect(await endedAnswer(page, 0)).toBe('The triangle is yellow.');
    expect(await page.evaluate('window.redrawn')).toBe(1);
    await page.getByLabel('Show as a program').click();
    const saved = page.waitForEvent('download');
    await page.getByText('Save the image as it was sent').click();
    const sent = await saved;
    expect(sent.suggestedFilename()).toBe('photo-as-sent.jpg');
    expect(await sharp(await sent.path()).metadata()).toMatchObject({ width: 2048, height: 1367 });
    await closeDialog(page);
    await page.setInputFiles('input[type=file]', {
      name: '<img src=x onerror=alert(1)>.pdf',
      mimeType: 'image/png',
      buffer: Buffer.from('%PDF-1.7'),
    });
    await page.getByText('This is a PDF document. Images are JPEG, PNG, WebP, GIF or BMP.').waitFor();
    await page.getByText('<img src=x onerror=alert(1)>.pdf').waitFor();
  });

  it('frees the place of an answer that is stopped in the middle', async () => {
    const pid = await beginLongAnswer();
    expect(await openPrompts()).toEqual([1]);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('Stopped.').waitFor();
    process.kill(pid, 'SIGCONT');
    await expect.poll(openPrompts).toEqual([0]);
  });

  it('shows the error of a reader that is killed in the middle, and answers the retry', async () => {
    const killed = await beginLongAnswer();
    process.kill(killed, 'SIGKILL');
    await page.getByRole('alert').getByText('reader.').waitFor();
    await setNumber(page, 'Shortest answer', '');
    await setNumber(page, 'Longest answer', '8');
    // The next reader stands still, too: it would have answered before a busy browser shows that it can be stopped.
    await server.until(() => ![0, killed].includes(readerPid()), 20_000);
    const next = readerPid();
    process.kill(next, 'SIGSTOP');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    process.kill(next, 'SIGCONT');
    await server.until(() => server.isReady(), 60_000);
    await page.locator('.server-state.ready').waitFor();
  });

  it('has nothing that axe finds wrong, in any view, light and dark', async () => {
    // In the dark, nothing but the colours differs.
    for (const [colorScheme, rule] of [['light'], ['dark', 'color-contrast']] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${server.url}/`);
      await page.locator('.server-state.ready').waitFor();
      const found = [...(await axeFindings(page, rule))];
      await page.getByText('Describe the image.').click();
      await endedAnswer(page, 0);
      await page.locator('.facts summary').click();
      await page.getByLabel('Ask about a part').click();
      found.push(...(await axeFindings(page, rule)));
      for (const label of ['Show as a program', 'Settings', 'Conversations']) {
        await page.getByLabel(label).first().click();
        found.push(...(await axeFindings(page, rule)));
        await closeDialog(page);
      }
      await page.getByRole('button', { name: 'Folder' }).click();
      await page.setInputFiles('input[accept]', [TWO_SHAPES, path.join(IMAGES, 'chart.png')]);
      found.push(...(await axeFindings(page, rule)));
      await page.getByRole('button', { name: 'chart.png' }).click();
      found.push(...(await axeFindings(page, rule)));
      expect(found).toEqual([]);
    }
  });

  it('is used with the keyboard alone', async () => {
    const pressUntil = async (name: string | RegExp): Promise<void> => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press('Tab');
        const label = await page.evaluate<string>(
          `document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''`,
        );
        if (typeof name === 'string' ? label.includes(name) : name.test(label)) return;
      }
      throw new Error(`The keyboard does not reach ${String(name)}.`);
    };
    await pressUntil('What shapes do you see?');
    await page.keyboard.press('Enter');
    expect(await endedAnswer(page, 0)).toBe('They are hexagons.');
    await pressUntil('Ask about a part');
    await page.keyboard.press('Space');
    await page.getByText('160 × 160 of it is asked about').waitFor();
    await page.keyboard.press('Shift+Tab');
    await pressUntil('Question');
    await page.keyboard.type('What color are the shapes?');
    await page.keyboard.press('Enter');
    expect(await endedAnswer(page, 1)).toMatch(/\.$/u);
    await pressUntil('Show as a program');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await closeDialog(page);
  });

  it('gives an answer that is JSON of the schema in the settings, and says what is wrong with a schema', async () => {
    await page.getByRole('button', { name: 'Settings' }).click();
    const schema = page.getByLabel('JSON schema of the answer');
    await schema.fill('{"type": ');
    await page.getByText('This is not JSON').waitFor();
    await schema.fill(
      '{"type":"object","properties":{"shape":{"enum":["circle","square"]}},"required":["shape"],"additionalProperties":false}',
    );
    await closeDialog(page);
    await page.getByText('Describe the image.').click();
    const answer: unknown = JSON.parse(await endedAnswer(page, 0));
    expect(['circle', 'square']).toContain((answer as { shape: unknown }).shape);
  });

  it('keeps conversations in the browser, brings them back and deletes them', async () => {
    await page.getByText('Describe the image.').click();
    const answer = await endedAnswer(page, 0);
    const kept = page.getByRole('button', { name: /1 question · two-shapes\.jpg/u });
    // Browsers write in their own time, however soon they are told.
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Conversations' }).click();
        await delay(50);
        const count = await kept.count();
        await page.keyboard.press('Escape');
        return count;
      })
      .toBe(1);
    await page.reload();
    await page.getByRole('button', { name: 'Conversations' }).click();
    await kept.click();
    await page.getByAltText('The chosen image, two-shapes.jpg').waitFor();
    expect(await page.locator('.turn .markdown').textContent()).toBe(answer);
    await page.getByRole('button', { name: 'Conversations' }).click();
    const saved = page.waitForEvent('download');
    await page.getByText('Save all as a file').click();
    const file = readFileSync(await (await saved).path(), 'utf8');
    expect(JSON.parse(file)).toMatchObject({ conversations: [{ turns: [{ answer }] }] });
    await page.getByText('Delete all').click();
    await page.getByText('There are none yet.').waitFor();
  });

  it('keeps quick with a folder of a thousand images, pauses, and exports what was answered', async () => {
    await page.getByRole('button', { name: 'Folder' }).click();
    const buffer = readFileSync(path.join(IMAGES, 'one-shape.png'));
    const files = Array.from({ length: 1000 }, (_, i) => ({
      name: `${i}.png`,
      mimeType: 'image/png',
      buffer,
    }));
    await page.setInputFiles('input[accept]', files);
    await page.getByLabel('Question about every image').fill('What shape is the purple object?');
    await page.getByText('Ask all').click();
    await page.getByText(/^[1-9]\d+ of 1000 images$/u).waitFor();
    await page.getByText('Pause').click();
    await page.getByText('Go on').waitFor();
    expect(await page.locator('.folder-table tbody tr').count()).toBeLessThan(60);
    await page.getByRole('button', { name: '0.png', exact: true }).press('Enter');
    expect(await page.getByRole('dialog').locator('.markdown').textContent()).toBe(
      'The purple shape is a square.',
    );
    await closeDialog(page);
    await page.evaluate(`document.querySelector('.folder-table').scrollTo(0, 1e6)`);
    await page.getByText('999.png', { exact: true }).waitFor();
    const saved = page.waitForEvent('download');
    await page.getByText('Save as JSON Lines').click();
    const lines = readFileSync(await (await saved).path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(10);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      path: '0.png',
      text: 'The purple shape is a square.',
    });
  });

  it('shows programs that give the same answer when they are run', async () => {
    await page.getByText('Describe the image.').click();
    const answer = await endedAnswer(page, 0);
    await page.getByLabel('Show as a program').click();
    const program = async (language: string, api: string): Promise<string> => {
      await page.getByRole('button', { name: language, exact: true }).click();
      await page.getByRole('button', { name: api, exact: true }).click();
      return (await page.locator('.program').textContent()) ?? '';
    };
    const run = async (command: string, args: readonly string[]): Promise<string> =>
      (await promisify(execFile)(command, args, { cwd: IMAGES })).stdout;
    const streamed = run('sh', ['-c', await program('curl', 'Takeoff')]);
    const openai = run('sh', ['-c', await program('curl', 'OpenAI')]);
    const script = run(process.execPath, [
      '--input-type=module',
      '-e',
      await program('TypeScript', 'Takeoff'),
    ]);
    const python = hasPythonRequests() ? run('python3', ['-c', await program('Python', 'Takeoff')]) : null;
    if (python === null)
      process.stdout.write('No python3 with requests on this machine: that program is not run.\n');
    expect((await streamed).replaceAll(/^data: ?|\n/gmu, '')).toBe(answer);
    const { choices } = JSON.parse(await openai) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content).toBe(answer);
    expect((await script).trim()).toBe(answer);
    if (python !== null) expect((await python).trim()).toBe(answer);
  });

  it('lets nobody who types wait while eight answers stream', async () => {
    await setNumber(page, 'Longest answer', '80');
    await setNumber(page, 'Shortest answer', '80');
    await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
    for (let i = 0; i < 8; i += 1) await ask(page, `Tell me of circles, ${i}.`);
    await page.locator('.turn .markdown').nth(7).waitFor();
    await page.getByLabel('Question', { exact: true }).pressSequentially('Typed meanwhile', { delay: 20 });
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'detached' });
    const tasks = tasksOf(await browser.stopTracing());
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks.filter((cpuMs) => cpuMs > MAX_TASK_MS)).toEqual([]);
  });
});

/** From here on browsers call a task long. */
const MAX_TASK_MS = 50;

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Time of the processor, in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * How long each task of the page's main thread kept the processor, in milliseconds. Not how long it took by the clock, because on a
 * busy machine that tells of other programs: the server's own threads take turns with the page.
 */
function tasksOf(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] };
  const threads = traceEvents
    .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
    .map(({ pid, tid }) => `${pid} ${tid}`);
  return traceEvents
    .filter(({ name, pid, tid }) => name.endsWith('RunTask') && threads.includes(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000);
}

function hasPythonRequests(): boolean {
  try {
    execFileSync('python3', ['-c', 'import requests'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
