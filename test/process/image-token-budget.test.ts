// image_token_budget over HTTP, on the demo model, whose images have 64 tokens: what is counted is what is used, nothing is shared between
// choices of rows, and a budget that leaves nothing out changes nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RunningServer } from '../../harness/running-server.js';
import { demoCases, imageBytes } from './demo-cases.js';
import { imageForm, jsonRequest } from './requests.js';

const [first] = demoCases;
if (first === undefined) throw new TypeError('the demo model has no expected answers');
const { image } = first;

interface Metadata {
  readonly prompt_tokens: number;
  readonly image_tokens: number;
  readonly cached_tokens: number;
}

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-budget-'));
let server: RunningServer;

beforeAll(async () => {
  server = await RunningServer.start({ args: ['--repository-path', cache, '--image-token-budget', '40'] });
}, 120_000);
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const post = async (route: string, fields: object): Promise<unknown> =>
  (
    await fetch(`${server.url}${route}`, {
      method: 'POST',
      body: imageForm(imageBytes(image), { text: 'What is this?', use_chat_template: true, ...fields }),
    })
  ).json();

const ask = async (fields: object): Promise<{ readonly text: string; readonly metadata: Metadata }> =>
  (await post('/image_generate', { max_new_tokens: 8, return_metadata: true, ...fields })) as never;

describe('image_token_budget', () => {
  it('changes nothing of any answer when it is as large as the image', async () => {
    for (const { image: name, request, answer } of demoCases.slice(0, 6)) {
      const answers = ['full', 64, 1000].map(async (budget) => {
        const body = imageForm(imageBytes(name), { ...request, image_token_budget: budget });
        return (await fetch(`${server.url}/image_generate`, { method: 'POST', body })).text();
      });
      const given = JSON.stringify({ text: answer });
      expect(await Promise.all(answers), `${name}: ${JSON.stringify(request)}`).toEqual([
        given,
        given,
        given,
      ]);
    }
  });

  it('is what the reader is set to where a request says nothing, in /count as in the answer', async () => {
    const { metadata: whole } = await ask({ image_token_budget: 'full' });
    for (const [budget, tokens] of [
      [undefined, 40],
      [16, 16],
      [64, 64],
    ] as const) {
      const { metadata } = await ask({ image_token_budget: budget });
      const { count } = (await post('/count', { image_token_budget: budget })) as { count: Metadata };
      expect(metadata).toMatchObject({
        image_tokens: tokens,
        prompt_tokens: whole.prompt_tokens - whole.image_tokens + tokens,
      });
      expect(count).toMatchObject({ image_tokens: tokens, prompt_tokens: metadata.prompt_tokens });
    }
  });

  it('lets a second question share the image with the same number of tokens, and with no other', async () => {
    const before = (await ask({ image_token_budget: 20 })).metadata.cached_tokens;
    const same = await ask({ text: 'Which colours?', image_token_budget: 20 });
    expect(same.metadata.cached_tokens).toBeGreaterThanOrEqual(before + 20);
    const other = await ask({ text: 'Which colours?', image_token_budget: 21 });
    expect(other.metadata.cached_tokens).toBe(before);
  });

  it('counts in the usage of the OpenAI API, which refuses what is no number of tokens', async () => {
    const url = `data:image/png;base64,${Buffer.from(imageBytes(image)).toString('base64')}`;
    const chat = async (budget: unknown) => {
      const content = [
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: 'What is this?' },
      ];
      const body = { model: 'primary', max_tokens: 2, image_token_budget: budget };
      const response = await fetch(
        `${server.url}/v1/chat/completions`,
        jsonRequest({ ...body, messages: [{ role: 'user', content }] }),
      );
      return (await response.json()) as {
        readonly usage: { readonly prompt_tokens: number };
        readonly error?: object;
      };
    };
    const [whole, part] = [await chat('full'), await chat(24)];
    expect(whole.usage.prompt_tokens - part.usage.prompt_tokens).toBe(40);
    expect((await chat(0)).error).toMatchObject({
      param: 'image_token_budget',
      message: expect.stringContaining('a whole number from 1, or "full"') as string,
    });
  });
});
