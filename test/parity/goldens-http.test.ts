// The golden cases through HTTP, as clients see them: every run whose prompt a client can write, in f32. Multi-turn prompts and
// images in the middle need pieces that user text cannot spell; goldens-suite.ts has them. A sample in `npm test`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { imageForm, jsonRequest } from '../process/requests.js';
import { isLongForm } from '../../harness/long-form.js';
import { GOLDENS, GOLDEN_CASES, GOLDEN_SAMPLE, readExpectations, type GoldenRun } from './golden-case.js';

const CLOSE_MARGIN = 0.02;
const IMAGE_FIRST = '<image>\n';

interface Expressible {
  run: GoldenRun;
  request: { text: string; use_chat_template?: boolean };
}

/** The request that leads to a run's prompt, for runs that have one. */
function expressible(run: GoldenRun): Expressible[] {
  if (run.images.length > 1) return [];
  const turns = run.conversation?.turns;
  const user = turns?.[0]?.[1];
  if (turns?.length === 2 && typeof user === 'string') {
    if (user.startsWith(IMAGE_FIRST))
      return [{ run, request: { text: user.slice(IMAGE_FIRST.length), use_chat_template: true } }];
    return run.images.length === 0 ? [{ run, request: { text: user, use_chat_template: true } }] : [];
  }
  if (run.conversation !== undefined || run.kind === 'chatml' || !run.prompt.startsWith(IMAGE_FIRST))
    return [];
  return [{ run, request: { text: run.prompt.slice(IMAGE_FIRST.length) } }];
}

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-parity-http-'));
afterAll(() => rmSync(cache, { recursive: true }));

describe.each(isLongForm('test:goldens') ? GOLDEN_CASES : GOLDEN_SAMPLE)('%s over HTTP', (name) => {
  const runs = readExpectations(name).runs.flatMap(expressible);
  let server: RunningServer;

  beforeAll(async () => {
    const checkpoint = path.join(GOLDENS, name, 'checkpoint');
    server = await RunningServer.start({
      args: ['--model', checkpoint, '--quant-type', 'f32', '--repository-path', cache],
    });
  }, 120_000);
  afterAll(() => server.stop());

  it('has at least ten runs that HTTP requests can express', () => expect(runs.length).toBeGreaterThan(9));

  it.each(runs)('answers $run.id as the reference does', async ({ run, request }) => {
    const close = run.greedy.margins.findIndex((margin) => margin < CLOSE_MARGIN);
    const tokens = close === -1 ? run.greedy.tokens.length : close;
    const body = { ...request, max_new_tokens: Math.max(1, tokens), return_metadata: true };
    const [image] = run.images;
    const response =
      image === undefined
        ? await fetch(`${server.url}/generate`, jsonRequest(body))
        : await fetch(`${server.url}/image_generate`, {
            method: 'POST',
            body: imageForm(new Uint8Array(readFileSync(path.join(GOLDENS, 'images', `${image}.png`))), body),
          });
    const answer = (await response.json()) as { text: string; metadata: { prompt_tokens: number } };
    expect(response.status, JSON.stringify(answer)).toBe(200);
    expect(answer.metadata.prompt_tokens).toBe(run.promptTokens);
    // The reference strips its text; a cut after a few tokens may leave bytes of a character that was not finished.
    const text = answer.text.replace(/\uFFFD+$/, '').trim();
    if (tokens > 0) expect(run.greedy.text.startsWith(text), `${text} | ${run.greedy.text}`).toBe(true);
    if (close === -1) expect(answer.text.trim()).toBe(run.greedy.text);
  });
});
