// What the OpenAI API promises beyond its form, asked of the demo model: answers, counts and ends are those of the native API.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunningServer } from '../../harness/running-server.js';
import { demoCases, imageBytes } from '../process/demo-cases.js';
import { eventsOf, imageForm } from '../process/requests.js';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-openai-'));
let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--repository-path', cache] });
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const token = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
const answerSchema = z.object({
  choices: z.array(
    z.object({
      message: z.object({ content: z.string() }),
      finish_reason: z.string(),
      logprobs: z.object({ content: z.array(token.extend({ top_logprobs: z.array(token) })) }).nullable(),
    }),
  ),
  usage: z.object({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    prompt_tokens_details: z.object({ image_tokens: z.int(), cached_tokens: z.int() }),
  }),
});

const post = (address: string, body: object): Promise<Response> =>
  fetch(`${server.openaiUrl}/v1${address}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function chat(fields: object): Promise<z.output<typeof answerSchema>> {
  const response = await post('/chat/completions', { temperature: 0, ...fields });
  const body: unknown = await response.json();
  expect([response.status, body]).toEqual([200, expect.anything()]);
  return answerSchema.parse(body);
}
const contents = ({ choices }: z.output<typeof answerSchema>): string[] =>
  choices.map(({ message }) => message.content);

const urlOf = (image: string) =>
  `data:image/jpeg;base64,${Buffer.from(imageBytes(image)).toString('base64')}`;
/** A question first and its image last, as most programs write them. */
const ask = (question: string, image: string) => ({
  role: 'user',
  content: [
    { type: 'text', text: question },
    { type: 'image_url', image_url: { url: urlOf(image) } },
  ],
});

const templated = demoCases.filter(({ request }) => request['use_chat_template'] === true);
const [first] = templated;
if (first === undefined) throw new TypeError('The demo model has no case with a template.');
const QUESTION = first.request.text;
const SHAPES = 'images/two-shapes.jpg';
const WILD = { temperature: 2, max_tokens: 24 };

describe('a chat', () => {
  it.each(templated.map((one) => [one.id, one] as const))(
    'greedily gives the expected answer of %s, whatever type the image is declared as',
    async (_, { image, request, answer, answer_ids: ids }) => {
      const { choices, usage } = await chat({ messages: [ask(request.text, image)], max_tokens: 128 });
      expect(choices).toMatchObject([{ message: { content: answer }, finish_reason: 'stop' }]);
      expect(usage.completion_tokens).toBe(ids.length);
    },
  );

  it('counts as the native API does, and finds the same prompt in the cache', async () => {
    const asked = { text: QUESTION, use_chat_template: true, return_metadata: true };
    const body = imageForm(imageBytes(first.image), asked);
    const native = await fetch(`${server.url}/image_generate`, { method: 'POST', body });
    const { metadata } = (await native.json()) as { metadata: Record<string, unknown> };
    const { usage, choices } = await chat({ messages: [ask(QUESTION, first.image)], max_tokens: 128 });
    expect({
      ...metadata,
      prompt_tokens: usage.prompt_tokens,
      image_tokens: usage.prompt_tokens_details.image_tokens,
      generated_tokens: usage.completion_tokens,
      finish_reason: choices[0]?.finish_reason,
    }).toEqual(metadata);
    // The last row of a prompt is computed always, since the answer is sampled from it.
    expect(usage.prompt_tokens_details.cached_tokens).toBe(usage.prompt_tokens - 1);
  });

  it('of two turns keeps the image of the first', async () => {
    const [description = ''] = contents(await chat({ messages: [ask(QUESTION, SHAPES)] }));
    const messages = [
      ask(QUESTION, SHAPES),
      { role: 'assistant', content: description },
      { role: 'user', content: 'Is there a circle?' },
    ];
    const { choices, usage } = await chat({ messages });
    expect(usage.prompt_tokens_details.image_tokens).toBe(64);
    expect(choices[0]?.message.content).toMatch(/^Yes/u);
  });

  it('asked for three answers draws three, and the same three again from the same seed', async () => {
    const fields = { messages: [ask(QUESTION, SHAPES)], n: 3, seed: 11, ...WILD };
    const answers = contents(await chat(fields));
    expect(new Set(answers).size).toBe(3);
    expect(contents(await chat(fields))).toEqual(answers);
    expect(contents(await chat({ ...fields, seed: 100 }))).not.toEqual(answers);
  });

  it('ends at a stop text wherever tokens are cut, and sends nothing of it in either form', async () => {
    const messages = [ask(QUESTION, SHAPES)];
    const [whole = ''] = contents(await chat({ messages }));
    for (let at = 3; at < whole.length - 6; at += 5) {
      const stop = whole.slice(at, at + 6);
      const expected = whole.slice(0, whole.indexOf(stop));
      const { choices } = await chat({ messages, stop: ['never said', stop] });
      expect(choices).toMatchObject([{ message: { content: expected }, finish_reason: 'stop' }]);
    }
    const stop = whole.slice(10, 16);
    const response = await post('/chat/completions', { messages, stop, temperature: 0, stream: true });
    let streamed = '';
    for await (const { data } of eventsOf(response)) {
      if (data === '[DONE]') break;
      const { choices } = JSON.parse(data) as { choices: { delta: { content?: string } }[] };
      streamed += choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe(whole.slice(0, whole.indexOf(stop)));
  });

  it('tells the log probability of every token of its text, the selected one first when it is greedy', async () => {
    const { choices, usage } = await chat({
      messages: [ask(QUESTION, SHAPES)],
      logprobs: true,
      top_logprobs: 4,
    });
    const told = choices[0]?.logprobs?.content ?? [];
    expect(told).toHaveLength(usage.completion_tokens);
    const bytes = Buffer.from(told.flatMap((one) => one.bytes));
    expect(bytes.toString().trim()).toBe(choices[0]?.message.content);
    for (const { token: selected, logprob, top_logprobs: top } of told) {
      expect(top[0]).toMatchObject({ token: selected, logprob });
      expect(top).toHaveLength(4);
      const sum = top.reduce((total, one) => total + Math.exp(one.logprob), 0);
      expect(sum).toBeLessThanOrEqual(1 + 1e-6);
    }
  });

  it('says for a model that is not there which are, and for a text that does not fit how much it needs', async () => {
    const long = await post('/chat/completions', {
      messages: [{ role: 'user', content: 'word '.repeat(9000) }],
    });
    expect([long.status, await long.json()]).toMatchObject([
      400,
      { error: { code: 'context_length_exceeded' } },
    ]);
    const missing = await fetch(`${server.openaiUrl}/v1/models/missing`);
    expect([missing.status, await missing.json()]).toMatchObject([
      404,
      { error: { code: 'model_not_found' } },
    ]);
  });
});

it('a completion continues a prompt as /generate does', async () => {
  const prompt = 'USER: Hello.\nASSISTANT:';
  const native = await fetch(`${server.url}/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: prompt, max_new_tokens: 16 }),
  });
  const { text } = (await native.json()) as { text: string };
  const response = await post('/completions', { prompt, temperature: 0 });
  expect(await response.json()).toMatchObject({ choices: [{ text }] });
});

it('a response describes an image as a chat does', async () => {
  const input = [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: QUESTION },
        { type: 'input_image', image_url: urlOf(SHAPES), detail: 'auto' },
      ],
    },
  ];
  const [answer] = contents(await chat({ messages: [ask(QUESTION, SHAPES)] }));
  const response = await post('/responses', { input, temperature: 0 });
  expect(await response.json()).toMatchObject({ output: [{ content: [{ text: answer }] }] });
});
