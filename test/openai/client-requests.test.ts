// Requests exactly as published clients and HTTP libraries send them (client-requests.json: recorded, with images and words of our
// own), asked of the demo model: each is answered in the form of its endpoint, what was to follow a schema does, or it is refused with
// what cannot be honoured.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ajv } from 'ajv';
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
      /** A multipart body, with IMAGE in the place of the image. */
      form: z.string().optional(),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('client-requests.json', import.meta.url), 'utf8')));
type Recorded = (typeof recorded)[number];

const IMAGES_OFF = { status: 400, body: { error: { param: 'messages[0].content[0].image_url.url' } } };
const NOT_HERE = { status: 404, body: { error: { code: 'request.not_found' } } };
/** Of APIs that this server does not have, and of what its operator switched off. */
const REFUSALS: Readonly<Record<string, { readonly status: number; readonly body: object }>> = {
  'openai-python-embeddings': NOT_HERE,
  'openai-python-image-detail-url': IMAGES_OFF,
};

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

const IMAGE = Buffer.from(imageBytes('images/two-shapes.jpg'));

function send(url: string, { method, path: address, headers, body, form }: Recorded): Promise<Response> {
  // Short answers say as much of the form as long ones; those that follow a schema have to end.
  const tokens = schemaOf(body) === undefined ? 8 : 120;
  const json = JSON.stringify({ ...boundsOf(address, tokens), ...body }).replaceAll(
    /(?<=base64,|")IMAGE(?=")/gu,
    IMAGE.toString('base64'),
  );
  const payload = form === undefined ? json : withImage(form);
  return fetch(`${url}${address}`, { method, headers, ...(method === 'GET' ? {} : { body: payload }) });
}

const MESSAGES = '/v1/messages';

/** Of the API that has the address. */
function boundsOf(address: string, tokens: number): object {
  if (address === MESSAGES) return { temperature: 0 };
  if (address.startsWith('/v1')) return { max_tokens: tokens, max_output_tokens: tokens, temperature: 0 };
  return address.startsWith('/api') ? { options: { num_predict: tokens, temperature: 0 } } : {};
}

function withImage(form: string): Buffer {
  const [before = '', after = ''] = form.split('IMAGE');
  return Buffer.concat([Buffer.from(before), IMAGE, Buffer.from(after)]);
}

const within = z.object({
  response_format: z
    .union([
      z.object({ json_schema: z.object({ schema: z.unknown() }) }),
      z.object({ value: z.unknown() }),
      z.object({ type: z.literal('json_object') }),
    ])
    .optional(),
  guided_json: z.unknown().optional(),
  format: z.unknown().optional(),
  /** Of a response, or the prompt of the native API. */
  text: z.union([z.string(), z.object({ format: z.object({ schema: z.unknown() }) })]).optional(),
  tool_choice: z.union([z.string(), z.object({ function: z.object({ name: z.string() }) })]).optional(),
  tools: z.array(z.object({ function: z.object({ name: z.string(), parameters: z.unknown() }) })).optional(),
});
/** That the answer has to follow; undefined where it is free. */
function schemaOf(body: Recorded['body'] = {}): unknown {
  const {
    response_format: format,
    guided_json: guided,
    format: ollamaFormat,
    text,
    tool_choice: choice,
    tools = [],
  } = within.parse(body);
  if (typeof choice === 'object')
    return tools.find(({ function: one }) => one.name === choice.function.name)?.function.parameters;
  if (format === undefined) return guided ?? (typeof text === 'object' ? text.format.schema : ollamaFormat);
  if ('json_schema' in format) return format.json_schema.schema;
  return 'value' in format ? format.value : { type: 'object' };
}

const ajv = new Ajv({ strict: false });
/** Requests with an answer that ended and was checked. */
const followed = new Set<string>();
function expectToFollow(schema: unknown, answer: string): void {
  const validate = ajv.compile(z.looseObject({}).parse(schema));
  expect([validate(JSON.parse(answer)), answer, validate.errors]).toEqual([true, answer, null]);
}

const REASONS = ['stop', 'length', 'tool_calls'] as const;
const choice = z.object({ index: z.int(), finish_reason: z.enum(REASONS).nullable() });
const usage = z.object({ prompt_tokens: z.int().min(1), completion_tokens: z.int(), total_tokens: z.int() });
const message = z.object({
  role: z.literal('assistant'),
  content: z.string().nullable(),
  tool_calls: z
    .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
    .optional(),
});
const ollamaEnd = {
  done: z.literal(true),
  done_reason: z.enum(['stop', 'length']),
  eval_count: z.int().min(1),
};
/** What clients read of an answer, by endpoint; parsed to texts of answers that ended by themselves. */
const ANSWERS: Readonly<Record<string, z.ZodType<readonly string[]>>> = {
  '/v1/chat/completions': z
    .object({
      object: z.literal('chat.completion'),
      choices: z.array(choice.extend({ message })),
      usage,
    })
    .transform(({ choices }) =>
      choices
        .filter(({ finish_reason: reason }) => reason !== 'length')
        .map((one) => one.message.tool_calls?.[0]?.function.arguments ?? one.message.content ?? ''),
    ),
  '/v1/completions': z
    .object({
      object: z.literal('text_completion'),
      choices: z.array(choice.extend({ text: z.string() })),
      usage,
    })
    .transform(({ choices }) => choices.map(({ text }) => text)),
  '/v1/responses': z
    .object({
      object: z.literal('response'),
      status: z.enum(['completed', 'incomplete']),
      output: z.array(
        z.object({ content: z.array(z.object({ type: z.literal('output_text'), text: z.string() })) }),
      ),
    })
    .transform(({ status, output }) =>
      status === 'completed' ? output.flatMap(({ content }) => content.map(({ text }) => text)) : [],
    ),
  '/api/chat': z
    .object({ ...ollamaEnd, message: z.object({ role: z.literal('assistant'), content: z.string() }) })
    .transform(({ done_reason: reason, message: { content } }) => (reason === 'length' ? [] : [content])),
  '/api/generate': z
    .object({ ...ollamaEnd, response: z.string() })
    .transform(({ done_reason: reason, response }) => (reason === 'length' ? [] : [response])),
  [MESSAGES]: z
    .object({
      type: z.literal('message'),
      content: z.array(z.object({ type: z.literal('text'), text: z.string().min(1) })).length(1),
      stop_reason: z.enum(['end_turn', 'max_tokens']),
      usage: z.object({ output_tokens: z.int().min(1) }),
    })
    .transform(() => []),
  '/v1/models': z
    .object({ object: z.literal('list'), data: z.array(z.object({ id: z.string() })) })
    .transform(() => []),
  '/v1/models/primary': z
    .object({ id: z.literal('primary'), object: z.literal('model') })
    .transform(() => []),
};

const chunkSchema = z.object({
  object: z.literal('chat.completion.chunk'),
  choices: z.array(choice.extend({ delta: z.object({ content: z.string().nullable().optional() }) })),
  usage: usage.nullish(),
});

/** The text of a streamed answer that ended by itself. */
async function chunkedTexts(response: Response, tellsUsage: boolean): Promise<readonly string[]> {
  const events = [];
  for await (const { data } of eventsOf(response)) events.push(data);
  expect(events.at(-1)).toBe('[DONE]');
  const chunks = events.slice(0, -1).map((data) => chunkSchema.parse(JSON.parse(data)));
  const text = chunks.map(({ choices: [first] }) => first?.delta.content ?? '').join('');
  expect(text).not.toBe('');
  expect(chunks.filter(({ choices: [first] }) => first?.finish_reason != null)).toHaveLength(1);
  expect(chunks.filter((chunk) => chunk.usage != null)).toHaveLength(tellsUsage ? 1 : 0);
  return chunks.some(({ choices: [first] }) => first?.finish_reason === 'length') ? [] : [text];
}

async function textsOf(request: Recorded, response: Response): Promise<readonly string[]> {
  if (request.body?.['stream'] === true)
    return chunkedTexts(response, request.body['stream_options'] !== undefined);
  const body: unknown = await response.json();
  expect(Object.keys(ANSWERS)).toContain(request.path);
  return ANSWERS[request.path]?.parse(body) ?? [];
}

const isOfOpenai = ({ path: address }: Recorded): boolean =>
  address.startsWith('/v1') && address !== MESSAGES;
const openai = recorded.filter(isOfOpenai);
describe('on the port of the OpenAI API, the request', () => {
  it.each(openai.map((request) => [request.name, request] as const))('%s', async (_, request) => {
    const response = await send(server.openaiUrl, request);
    const refusal = REFUSALS[request.name];
    if (refusal !== undefined) {
      expect([response.status, await response.json()]).toMatchObject([refusal.status, refusal.body]);
      return;
    }
    expect(response.status, await response.clone().text()).toBe(200);
    const texts = await textsOf(request, response);
    const schema = schemaOf(request.body);
    if (schema === undefined) return;
    for (const text of texts) expectToFollow(schema, text);
    if (texts.length > 0) followed.add(request.name);
  });

  it('for an answer that follows a schema has one that ends, often enough to be checked', () => {
    expect(followed.size).toBeGreaterThan(3);
  });
});

const others = recorded.filter((request) => !isOfOpenai(request));
describe('on the inference port, the request', () => {
  it.each(others.map((request) => [request.name, request] as const))('%s', async (_, request) => {
    const response = await send(server.url, request);
    const refusal = REFUSALS[request.name];
    const text = await response.text();
    if (refusal !== undefined) {
      expect([response.status, JSON.parse(text)]).toMatchObject([refusal.status, refusal.body]);
      return;
    }
    expect([response.status, text]).toEqual([200, expect.any(String)]);
    const schema = schemaOf(request.body);
    const answer = ANSWERS[request.path];
    if (answer !== undefined) {
      for (const one of answer.parse(JSON.parse(text))) if (schema !== undefined) expectToFollow(schema, one);
      return;
    }
    if (request.path.endsWith('_stream')) expect(text).toMatch(/^data:.+\n\n/u);
    else expect(z.object({ text: z.string().min(1) }).parse(JSON.parse(text)).text).not.toBe('');
  });

  it('of every client of Node and Python to the OpenAI API is answered, too', async () => {
    const simple = openai.filter(({ name }) => /(?:text-only|models|js-invoke|chat-v1-base)$/u.test(name));
    expect(simple.length).toBeGreaterThan(3);
    for (const request of simple) expect((await send(server.url, request)).status).toBe(200);
  });
});
