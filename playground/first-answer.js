// Measures what the page adds to an answer: from Enter to the first words and to the whole of it, beside curl with the same request.
// For curl a person waits from its start as a program, which opens a connection, until the words have left it; drawing them is up to
// the terminal and not counted. For the page a person waits from the key to the end of the browser's work on the frame that has the
// words, and so for that frame too; its connection is open already. The ratios compare these two. Told beside them: what of curl's
// time its start is, and when the page had the words in its document, to be drawn with the next frame.
// `npm start` in one terminal, `npm run first-answer` in another, on a machine that does nothing else. Needs a Chromium
// (apt-get install chromium); CHROMIUM names another. Each request has an image of its own, so nobody finds anything in a cache.
// The browser gets a session of its own, and Linux shares the processor out by sessions (autogroup): where the server was given more
// than its share, the browser needs a program in CHROMIUM that gives it as much, or what is measured is how long it waits for the server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const URL_OF_PAGE = process.argv[2] ?? 'http://127.0.0.1:3000/';
const RUNS = Number(process.argv[3] ?? 15);
const IMAGE = fileURLToPath(new URL('../models/demo/images/two-shapes.jpg', import.meta.url));
const QUESTION = 'Describe the image.';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-first-answer-'));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
  await page.goto(URL_OF_PAGE);
  await page.locator('.server-state.ready').waitFor();
  const measured = { curl: [], page: [] };
  const curlStart = [];
  // In turns, so that both meet the same machine; the first of each warms everything up.
  for (let run = 0; run <= RUNS; run += 1) {
    measured.curl.push(await askWithCurl(await imageOf(2 * run)));
    measured.page.push(await askOnPage(page, await imageOf(2 * run + 1)));
    curlStart.push({ ofItStart: await startOfCurl() });
  }
  const [curl, shown, start] = [measured.curl, measured.page, curlStart].map((all) => medians(all.slice(1)));
  const ratios = { first: shown.first / curl.first, whole: shown.whole / curl.whole };
  process.stdout.write(
    `${JSON.stringify({ runs: RUNS, curl: { ...curl, ...start }, page: shown, ratios: rounded(ratios) }, null, 2)}\n`,
  );
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

/** The same image with another grey in its last corner. */
async function imageOf(index) {
  const { width, height } = await sharp(IMAGE).metadata();
  const grey = { r: index % 256, g: index % 256, b: index % 256 };
  const corner = await sharp({ create: { width: 8, height: 8, channels: 3, background: grey } })
    .png()
    .toBuffer();
  const file = path.join(folder, `${index}.jpg`);
  const image = sharp(IMAGE).composite([{ input: corner, left: width - 8, top: height - 8 }]);
  writeFileSync(file, await image.jpeg().toBuffer());
  return file;
}

async function askWithCurl(file) {
  const fields = JSON.stringify({ text: QUESTION, use_chat_template: true, return_metadata: true });
  const form = ['-F', `image_data=@${file}`, '-F', `json_data=${fields}`];
  const url = new URL('image_generate_stream', URL_OF_PAGE).href;
  const startMs = performance.now();
  const curl = spawn('curl', ['-sSN', '--fail', ...form, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(curl.stdout, 'data');
  const first = performance.now() - startMs;
  await once(curl.stdout.resume(), 'close');
  return { first, whole: performance.now() - startMs };
}

async function startOfCurl() {
  const startMs = performance.now();
  await once(spawn('curl', ['--version'], { stdio: 'ignore' }), 'close');
  return performance.now() - startMs;
}

/** Also where the time went: until the request left, until its answer began, and until words were on the screen. */
async function askOnPage(page, file) {
  await page.setInputFiles('input[type=file]', file);
  await page.locator('figcaption').getByText(path.basename(file)).waitFor();
  await page.getByLabel('Question', { exact: true }).fill(QUESTION);
  await page.evaluate(() => {
    performance.clearResourceTimings();
    globalThis.measured = new Promise((resolve) => {
      let enterMs;
      const marks = {};
      document.addEventListener('keydown', ({ timeStamp }) => (enterMs = timeStamp), {
        capture: true,
        once: true,
      });
      const mark = (name) => {
        marks[`${name}InDocument`] = performance.now() - enterMs;
        requestAnimationFrame(() => setTimeout(() => (marks[name] = performance.now() - enterMs)));
      };
      const observer = new MutationObserver(() => {
        const text = document.querySelector('.turn .markdown')?.textContent ?? '';
        if (text !== '' && marks.firstInDocument === undefined) mark('first');
        if (document.querySelector('.turn .facts') === null) return;
        observer.disconnect();
        mark('whole');
        // Entries of finished requests come a moment later, and so does the frame.
        setTimeout(() => {
          const [request] = performance
            .getEntriesByType('resource')
            .filter(({ name }) => name.endsWith('_stream'));
          resolve({
            ...marks,
            untilSent: request.requestStart - enterMs,
            untilAnswered: request.responseStart - request.requestStart,
            untilShown: enterMs + marks.first - request.responseStart,
          });
        }, 100);
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true });
    });
  });
  await page.keyboard.press('Enter');
  return page.evaluate(() => globalThis.measured);
}

function medians(all) {
  const names = Object.keys(all[0]);
  const middle = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)];
  return rounded(Object.fromEntries(names.map((name) => [name, middle(all.map((one) => one[name]))])));
}

function rounded(values) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Math.round(value * 100) / 100]),
  );
}
