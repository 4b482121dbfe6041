// Existing clients work unchanged: the requests of both generations of the official Python client and LangChain's reading of
// streams, as raw bytes and, if the machine has Python, by programs of its standard library.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TakeoffClient } from 'takeoff-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { ROOT } from './page-examples.js';
import { langchainText, readerEvents, strippedLines } from './python-readers.js';
import { pythonCall, pythonRequest, type GenerationName } from './python-requests.js';
import { sendRaw, type RawAnswer } from './raw-http.js';

const IMAGE_PATH = path.join(ROOT, 'models/demo/images/two-shapes.jpg');
const image = readFileSync(IMAGE_PATH);
const TEXT = 'USER: Describe the image to me.\nASSISTANT:';
const DESCRIPTION =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-interoperability-'));
let server: RunningServer;
let port: number;
let managementPort: number;
let textAnswer: string;
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--reader-id', 'first', '--repository-path', cache] });
  port = Number(new URL(server.url).port);
  managementPort = Number(new URL(server.managementUrl).port);
  ({ text: textAnswer } = await new TakeoffClient({ baseUrl: 'http://127.0.0.1', port }).generate(TEXT));
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

async function ask(
  generation: GenerationName,
  route: string,
  given: Readonly<Record<string, unknown>> = {},
  image?: Buffer,
): Promise<RawAnswer> {
  const answer = await sendRaw(
    port,
    pythonRequest(generation, route, { text: TEXT, ...given }, image).pieces,
  );
  expect(answer).toMatchObject({ status: 200 });
  return answer;
}

describe.each(['newest', 'older'] as const)('the %s Python client', (generation) => {
  it('gets an answer to a text', async () => {
    const { body } = await ask(generation, '/generate');
    expect(JSON.parse(body)).toEqual({ text: textAnswer });
  });

  it('gets an answer to an image', async () => {
    const { body } = await ask(generation, '/image_generate', {}, image);
    expect(JSON.parse(body)).toEqual({ text: DESCRIPTION });
  });

  it.each<[string, string, Buffer | undefined]>([
    ['a text', '/generate_stream', undefined],
    ['an image', '/image_generate_stream', image],
  ])('gets the streamed answer to %s, exact to the character', async (_, route, image) => {
    const { headers, body } = await ask(generation, route, {}, image);
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/u);
    // Compression would have to be undone before the first token could be read.
    expect(headers.has('content-encoding')).toBe(false);
    expect(readerEvents(body).join('')).toBe(image === undefined ? textAnswer : DESCRIPTION);
    expect(readerEvents(body).length).toBeGreaterThan(3);
  });

  it('gets events for every prompt of a list', async () => {
    const { body } = await ask(generation, '/generate_stream', { text: [TEXT, 'USER: Hi\nASSISTANT:'] });
    const events = readerEvents(body).map((data) => JSON.parse(data) as { text: string; batch_id: number });
    expect(new Set(events.map(({ batch_id }) => batch_id))).toEqual(new Set([0, 1]));
    const first = events.filter(({ batch_id }) => batch_id === 0).map(({ text }) => text);
    expect(first.join('')).toBe(textAnswer);
  });

  it('gets the same answer to escaped non-ASCII text as to UTF-8', async () => {
    const text = 'USER: Größe 日本 😀?\nASSISTANT:';
    const { body } = await ask(generation, '/generate', { text, max_new_tokens: 5 });
    const client = new TakeoffClient({ baseUrl: 'http://127.0.0.1', port });
    expect(JSON.parse(body)).toEqual(await client.generate(text, { maxNewTokens: 5 }));
  });
});

it('the newest Python client gets metadata as the last event when it asks for it', async () => {
  const { body } = await ask('newest', '/generate_stream', { return_metadata: true });
  const events = readerEvents(body);
  expect(events.slice(0, -1).join('')).toBe(textAnswer);
  expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({ text: '', metadata: { finish_reason: 'stop' } });
});

describe("LangChain's wrapper", () => {
  it('assembles the exact text of a stream', async () => {
    const { body } = await ask('older', '/generate_stream');
    expect(langchainText(readerEvents(body))).toBe(textAnswer);
  });

  it('shows readable text of a stream even without a parser of events', async () => {
    const { body } = await ask('older', '/generate_stream');
    // Without a parser, the space that the server doubles for parsers stays doubled.
    expect(strippedLines(body).replaceAll(/ +/gu, ' ')).toBe(textAnswer);
  });

  it('gets a buffered answer', async () => {
    const { body } = await ask('older', '/generate', { max_new_tokens: 8 });
    expect(textAnswer.startsWith((JSON.parse(body) as { text: string }).text)).toBe(true);
  });
});

describe.each(['newest', 'older'] as const)("the %s Python client's methods beside answers", (generation) => {
  const call = async (
    at: number,
    ...[method, route, body]: [
      method: 'GET' | 'POST' | 'DELETE',
      route: string,
      body?: Readonly<Record<string, unknown>>,
    ]
  ) => {
    const answer = await sendRaw(at, pythonCall(generation, method, route, body).pieces);
    return { status: answer.status, body: answer.body === '' ? null : (JSON.parse(answer.body) as unknown) };
  };

  it('tokenize, detokenize and render a conversation', async () => {
    const tokenized = await call(port, 'POST', '/tokenize/first', { text: 'a b', use_chat_template: false });
    const { tokens } = tokenized.body as { tokens: string[] };
    expect(tokenized).toMatchObject({ status: 200, body: { tokens_count: tokens.length } });
    expect(await call(port, 'POST', '/detokenize/first', { tokens, skip_special_tokens: true })).toEqual({
      status: 200,
      body: { text: 'a b' },
    });
    const inputs = [[{ role: 'user', content: 'Hi' }]];
    expect(
      await call(port, 'POST', '/chat_template/first', { inputs, add_generation_prompt: false }),
    ).toMatchObject({ status: 200, body: { messages: [expect.stringContaining('USER: Hi')] } });
  });

  it('list readers and tell their status and configuration', async () => {
    expect(await call(managementPort, 'GET', '/reader_groups')).toMatchObject({
      status: 200,
      body: { primary: [{ reader_id: 'first' }] },
    });
    expect(await call(managementPort, 'GET', '/status')).toMatchObject({
      status: 200,
      body: { status: { live_readers: { first: {} } } },
    });
    expect(await call(managementPort, 'GET', '/config/first')).toMatchObject({
      status: 200,
      body: { architectures: ['LlavaLlamaForCausalLM'] },
    });
  });

  it("create a reader by what LangChain's wrapper hands on, answer through it, and delete it", async () => {
    // The example of TitanTakeoff(models=[…]) and the defaults of its ReaderConfig, langchain-community 0.4.2.
    const group = `llama-${generation}`;
    const created = await call(managementPort, 'POST', '/reader', {
      model_name: path.join(ROOT, 'models/demo/checkpoint'),
      device: 'cpu',
      consumer_group: group,
      tensor_parallel: generation === 'older' ? 1 : null,
      max_seq_length: 512,
      max_batch_size: 4,
    });
    expect(created.status).toBe(201);
    const { reader_id: readerId } = created.body as { reader_id: string };
    const given = { max_new_tokens: 8, consumer_group: group };
    await server.until(
      async () =>
        (await sendRaw(port, pythonCall(generation, 'GET', '/status').pieces)).body.includes(readerId),
      60_000,
    );
    const { body } = await ask(generation, '/generate', given);
    expect(textAnswer.startsWith((JSON.parse(body) as { text: string }).text)).toBe(true);
    expect(await call(managementPort, 'DELETE', `/reader/${readerId}`)).toEqual({ status: 204, body: null });
  });
});

const python = spawnSync('python3', ['--version'], { encoding: 'utf8' });
const hasPython = python.status === 0;
if (!hasPython)
  process.stdout.write('No python3 on this machine: its programs are not run, only their bytes are sent.\n');

it.skipIf(!hasPython)(
  'programs on the Python standard library get the answers that the client library gets',
  () => {
    const script = fileURLToPath(new URL('./python/replay.py', import.meta.url));
    const run = spawnSync('python3', [script, String(port), IMAGE_PATH, TEXT], { encoding: 'utf8' });
    expect({ code: run.status, err: run.stderr }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(run.stdout)).toEqual({
      newest: textAnswer,
      'newest streamed': textAnswer,
      'newest image': DESCRIPTION,
      'newest image streamed': DESCRIPTION,
      older: textAnswer,
      'older image': DESCRIPTION,
      'older image streamed': DESCRIPTION,
      'documented image': DESCRIPTION,
      langchain: textAnswer,
      batch: [textAnswer, textAnswer],
      urllib: textAnswer,
    });
  },
);
