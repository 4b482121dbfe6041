// Requests to the OpenAI API exactly as published clients send them (client-requests.json: recorded, with images and words of our
// own), asked of the demo model: each is answered in the form of its endpoint, or refused with the field that cannot be honoured.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RunningServer } from '../../harness/running-server.js';
import { imageBytes } from '../process/demo-cases.js';
import { eventsOf } from '../process/requests.js';

const recorded = z
  .array(
    z.object({
      name: z.string(),
      client: z.string(),
      method: z.string(),
      path: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.record(z.string(), z.unknown()).optional(),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('client-requests.json', import.meta.url), 'utf8')));
type Recorded = (typeof recorded)[number];

/** Fields that this version refuses, by what asks for them; docs/openai.md lists them. */
const REFUSALS: readonly (readonly [field: string, isAsked: (request: Recorded) => boolean])[] = [
  ['response_format', ({ body }) => body?.['response_format'] !== undefined],
  ['guided_json', ({ body }) => body?.['guided_json'] !== undefined],
  ['tool_choice', ({ body }) => typeof body?.['tool_choice'] === 'object'],
  ['text.format', ({ body }) => body?.['text'] !== undefined],
  [
    'messages[0].content[0].image_url.url',
    ({ body = {} }) => JSON.stringify(body).includes('https://images.'),
  ],
];
const refusedField = (request: Recorded): string | undefined =>
  REFUSALS.find(([, isAsked]) => isAsked(request))?.[0];

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-openai-'));
let server: RunningServer;
beforeAll(async () => {
  const args = ['--repository-path', cache, '--max-images-per-prompt', '2'];
  server = await RunningServer.start({ args });
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const IMAGE = Buffer.from(imageBytes('images/two-shapes.jpg')).toString('base64');

function send(url: string, { method, path: address, headers, body }: Recorded): Promise<Response> {
  // Short answers say as much of the form as long ones.
  const bounded = { max_tokens: 8, max_output_tokens: 8, ...body };
  const payload = JSON.stringify(bounded).replaceAll('base64,IMAGE', `base64,${IMAGE}`);
  return fetch(`${url}${address}`, { method, headers, ...(body === undefined ? {} : { body: payload }) });
}

const choice = z.object({ index: z.int(), finish_reason: z.enum(['stop', 'length']).nullable() });
const usage = z.object({ prompt_tokens: z.int().min(1), completion_tokens: z.int(), total_tokens: z.int() });
/** What clients read of an answer, by endpoint. */
const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  '/v1/chat/completions': z.object({
    object: z.literal('chat.completion'),
    choices: z.array(
      choice.extend({ message: z.object({ role: z.literal('assistant'), content: z.string() }) }),
    ),
    usage,
  }),
  '/v1/completions': z.object({
    object: z.literal('text_completion'),
    choices: z.array(choice.extend({ text: z.string() })),
    usage,
  }),
  '/v1/responses': z.object({
    object: z.literal('response'),
    output: z.array(
      z.object({ content: z.array(z.object({ type: z.literal('output_text'), text: z.string() })) }),
    ),
  }),
  '/v1/models': z.object({ object: z.literal('list'), data: z.array(z.object({ id: z.string() })) }),
  '/v1/models/primary': z.object({ id: z.literal('primary'), object: z.literal('model') }),
};

const chunkSchema = z.object({
  object: z.literal('chat.completion.chunk'),
  choices: z.array(choice.extend({ delta: z.object({ content: z.string().optional() }) })),
  usage: usage.nullish(),
});

async function expectChunks(response: Response, tellsUsage: boolean): Promise<void> {
  const events = [];
  for await (const { data } of eventsOf(response)) events.push(data);
  expect(events.at(-1)).toBe('[DONE]');
  const chunks = events.slice(0, -1).map((data) => chunkSchema.parse(JSON.parse(data)));
  const text = chunks.map(({ choices: [first] }) => first?.delta.content ?? '').join('');
  expect(text).not.toBe('');
  expect(chunks.filter(({ choices: [first] }) => first?.finish_reason != null)).toHaveLength(1);
  expect(chunks.filter((chunk) => chunk.usage != null)).toHaveLength(tellsUsage ? 1 : 0);
}

describe('on the port of the OpenAI API, the request', () => {
  it.each(recorded.map((request) => [request.name, request] as const))('%s', async (_, request) => {
    const response = await send(server.openaiUrl, request);
    const field = refusedField(request);
    if (request.path === '/v1/embeddings') {
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { error: { code: 'request.not_found' } },
      ]);
    } else if (field !== undefined) {
      expect([response.status, await response.json()]).toMatchObject([400, { error: { param: field } }]);
    } else if (request.body?.['stream'] === true) {
      expect(response.status).toBe(200);
      await expectChunks(response, request.body['stream_options'] !== undefined);
    } else {
      const body: unknown = await response.json();
      expect([response.status, body]).toEqual([200, expect.anything()]);
      ANSWERS[request.path]?.parse(body);
      expect(Object.keys(ANSWERS)).toContain(request.path);
    }
  });
});

it('every recorded client of Node and Python is answered on the inference port, too', async () => {
  const simple = recorded.filter(({ name }) => /(?:text-only|models|js-invoke|chat-v1-base)$/u.test(name));
  expect(simple.length).toBeGreaterThan(3);
  for (const request of simple) expect((await send(server.url, request)).status).toBe(200);
});
