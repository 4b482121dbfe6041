// The golden cases through HTTP, as clients see them: every run whose prompt a client can write, in f32. Multi-turn prompts and
// images in the middle need pieces that user text cannot spell; goldens-suite.ts has them. A sample in `npm test`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { imageForm, jsonRequest } from '../process/requests.js';
import { isLongForm } from '../../harness/long-form.js';
import {
  GOLDENS,
  GOLDEN_CASES,
  GOLDEN_SAMPLE,
  GoldenTensors,
  readExpectations,
  type GoldenRun,
} from './golden-case.js';

const CLOSE_MARGIN = 0.02;
/** Of log probabilities: that of logits in goldens-suite.ts, once for the token's own and once for the sum of all. */
const LOGPROB_LARGEST = 1e-2;
/** As many as the OpenAI API tells. */
const TOP = 20;
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

interface Told {
  readonly logprob: number;
  readonly bytes: readonly number[];
}

/** Log probabilities of the first token of a chat's answer, over the OpenAI API. */
async function firstLogprobs(
  openaiUrl: string,
  content: unknown,
): Promise<Told & { readonly top_logprobs: readonly Told[] }> {
  const body = {
    messages: [{ role: 'user', content }],
    temperature: 0,
    max_tokens: 1,
    logprobs: true,
    top_logprobs: TOP,
  };
  const response = await fetch(`${openaiUrl}/v1/chat/completions`, jsonRequest(body));
  const { choices } = (await response.json()) as {
    choices: { logprobs: { content: (Told & { top_logprobs: Told[] })[] } }[];
  };
  const first = choices[0]?.logprobs.content[0];
  if (first === undefined) throw new Error('The answer has no token.');
  return first;
}

/** The largest of a softmax, best first, as logarithms. */
function topOfSoftmax(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const logprobs = Array.from(logits, (logit) => logit - largest - Math.log(sum));
  return logprobs.sort((one, other) => other - one).slice(0, TOP);
}

/** One with an image and one without. */
const isCheckedOverOpenai = ({ id }: GoldenRun, { use_chat_template }: Expressible['request']): boolean =>
  use_chat_template === true && ['text-only', 'template.336x336'].includes(id);

const imageBase64 = (image: string): string =>
  readFileSync(path.join(GOLDENS, 'images', `${image}.png`), 'base64');

const total = (logprobs: readonly number[]) => logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);

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

  it.each(runs.filter(({ run, request }) => isCheckedOverOpenai(run, request)))(
    'tells the log probabilities of $run.id over the OpenAI API that the softmax of the reference has',
    async ({ run, request: { text } }) => {
      const [image] = run.images;
      const url = image === undefined ? null : `data:image/png;base64,${imageBase64(image)}`;
      const content = [
        { type: 'text', text },
        ...(url === null ? [] : [{ type: 'image_url', image_url: { url } }]),
      ];
      const { top_logprobs: top, ...first } = await firstLogprobs(server.openaiUrl, content);
      const wanted = topOfSoftmax(new GoldenTensors(name).floats(`logits/${run.id}`) ?? new Float32Array());
      const got = top.map(({ logprob }) => logprob);
      expect(got).toHaveLength(TOP);
      got.forEach((logprob, rank) => {
        expect(Math.abs(logprob - (wanted[rank] ?? NaN)), `rank ${rank}`).toBeLessThan(LOGPROB_LARGEST);
      });
      expect(Math.abs(total(got) - total(wanted))).toBeLessThan(LOGPROB_LARGEST);
      expect(first).toMatchObject({ logprob: got[0], bytes: top[0]?.bytes });
    },
  );
});
