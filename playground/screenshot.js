// Makes docs/images/page.png, with which the README opens: the page of a running demo server, after one click and one question.
// `npm start` in one terminal, `npm run screenshot` in another. Needs a Chromium (apt-get install chromium); CHROMIUM names another.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const URL_OF_PAGE = process.argv[2] ?? 'http://127.0.0.1:3000/';
const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const FILE = `${FOLDER}page.png`;
const MAX_BYTES = 150_000;

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 720 }, colorScheme: 'light' });
  await page.goto(URL_OF_PAGE);
  await page.getByText('Describe the image.').click();
  await page.getByText('complete').waitFor();
  await page.getByLabel('Question', { exact: true }).fill('How big is the triangle?');
  await page.keyboard.press('Enter');
  await page.getByText('complete').nth(1).waitFor();
  mkdirSync(FOLDER, { recursive: true });
  const { size } = await sharp(await page.screenshot())
    .png({ palette: true, colours: 128 })
    .toFile(FILE);
  if (size > MAX_BYTES) throw new Error(`${FILE} has ${size} bytes; allowed are ${MAX_BYTES}.`);
  process.stdout.write(`${FILE}: ${size} bytes\n`);
} finally {
  await browser.close();
}
