// The page in a real browser, watched: a test that uses it fails when the page breaks its content security policy, asks anybody but
// its own server, or has an error.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { ROOT } from '../client/page-examples.js';

export const IMAGES = path.join(ROOT, 'models/demo/images');

export interface OpenPage {
  readonly page: Page;
  /** What went wrong so far, in words. */
  readonly troubles: readonly string[];
  close(): Promise<void>;
}

/** `allowed`: origins that the page may ask besides its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  allowed: readonly string[] = [],
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 760 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const troubles: string[] = [];
  const origins = [new URL(url).origin, ...allowed];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/content security policy/iu.test(message.text())) troubles.push(`policy: ${message.text()}`);
  });
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== 'blob:' && !origins.includes(asked.origin))
      troubles.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, troubles, close: () => context.close() };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
  }[];
}

/** What axe finds wrong, a line for each element; by one rule alone where it is named. */
export async function axeFindings(page: Page, rule?: string): Promise<string[]> {
  await page.evaluate(axeSource);
  const options = rule === undefined ? {} : { runOnly: [rule] };
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(options)})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}

/** The answer of the turn at a place, once it has ended. */
export async function endedAnswer(page: Page, turn: number): Promise<string> {
  const article = page.locator('.turn').nth(turn);
  await article.locator('.facts').waitFor();
  return (await article.locator('.markdown').textContent()) ?? '';
}

export async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Question', { exact: true }).fill(question);
  await page.keyboard.press('Enter');
}

export async function setNumber(page: Page, label: string, value: string): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel(label).fill(value);
  await closeDialog(page);
}

export async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}
