import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ANSWER_TIMEOUT_MS, MAX_OPEN_QUESTIONS } from '../../readers/open-questions.js';
import { ScriptedReaders } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

let scripted: ScriptedApp;
let app: FastifyInstance;
beforeAll(async () => {
  scripted = await scriptedApp({ limits: { maxPromptStringBytes: 1000, maxUserBatchSize: 3 } });
  ({ app } = scripted);
});
afterAll(() => scripted.close());

async function post(url: string, payload: object): Promise<{ status: number; body: unknown }> {
  const response = await app.inject({ method: 'POST', url, payload });
  return { status: response.statusCode, body: response.json<unknown>() };
}

const codeOf = (body: unknown): string => (body as { error: { code: string } }).error.code;

describe('/tokenize/:reader_id', () => {
  it('answers tokens and their number', async () => {
    expect(await post('/tokenize/reader1', { text: 'ab' })).toEqual({
      status: 200,
      body: { tokens: ['<0x61>', '<0x62>'], tokens_count: 2 },
    });
    const pair = await post('/tokenize/reader1', { text: ['a', 'b'], use_chat_template: null });
    expect(pair.body).toMatchObject({ tokens_count: 2 });
  });

  it('takes the text for what a user says where it is asked to', async () => {
    const { body } = await post('/tokenize/reader1', { text: 'ab', use_chat_template: true });
    const rendered = await post('/chat_template/reader1', {
      inputs: [[{ role: 'user', content: 'ab' }]],
      add_generation_prompt: true,
    });
    const [message = ''] = (rendered.body as { messages: string[] }).messages;
    expect(body).toMatchObject({ tokens_count: message.length });
  });

  it('counts image tags by the rows of their images where their sizes are given', async () => {
    const text = 'a <image:https://images.example/cat.png> b';
    const asText = await post('/tokenize/reader1', { text });
    expect(asText.body).toMatchObject({ tokens_count: text.length });
    const { body } = await post('/tokenize/reader1', { text, image_sizes: [[640, 480]] });
    expect(body).toMatchObject({ tokens_count: 'a  b'.length + 64 });
    const sizes = await post('/tokenize/reader1', { text, image_sizes: [[640, 480], [1, 65_535]] }); // prettier-ignore
    expect([sizes.status, codeOf(sizes.body)]).toEqual([400, 'request.out_of_range']);
  });

  it.each([
    ['an unknown reader', '/tokenize/nobody', { text: 'a' }, 404, 'request.reader_unknown'],
    ['no text', '/tokenize/reader1', {}, 422, 'request.wrong_shape'],
    ['three texts', '/tokenize/reader1', { text: ['a', 'b', 'c'] }, 422, 'request.wrong_shape'],
    ['a long text', '/tokenize/reader1', { text: 'é'.repeat(501) }, 400, 'request.prompt_too_large'],
    [
      'a pair with a template',
      '/tokenize/reader1',
      { text: ['a', 'b'], use_chat_template: true },
      400,
      'request.out_of_range',
    ],
    [
      'a huge image',
      '/tokenize/reader1',
      { text: '<image:https://a.b>', image_sizes: [[65_536, 1]] },
      400,
      'request.out_of_range',
    ],
    ['an unknown token', '/detokenize/reader1', { tokens: ['no such'] }, 400, 'request.out_of_range'],
    ['tokens of two kinds', '/detokenize/reader1', { tokens: [1, 'a'] }, 422, 'request.wrong_shape'],
    [
      'too many tokens',
      '/detokenize/reader1',
      { tokens: Array(262_145).fill(5) },
      400,
      'request.batch_too_large',
    ],
    ['no conversation', '/chat_template/reader1', { inputs: [] }, 400, 'request.batch_empty'],
    [
      'too many conversations',
      '/chat_template/reader1',
      { inputs: [[], [], [], []] },
      400,
      'request.batch_too_large',
    ],
    ['an empty conversation', '/chat_template/reader1', { inputs: [[]] }, 400, 'request.out_of_range'],
    [
      'an unknown role',
      '/chat_template/reader1',
      { inputs: [[{ role: 'tool', content: '' }]] },
      400,
      'request.out_of_range',
    ],
  ] as const)('refuses %s', async (_, url, payload, status, code) => {
    // prettier-ignore
    const answer = await post(url, payload);
    expect([answer.status, codeOf(answer.body)]).toEqual([status, code]);
  });
});

describe('/detokenize/:reader_id', () => {
  it('answers text by ids and by spellings', async () => {
    expect((await post('/detokenize/reader1', { tokens: [100, 101] })).body).toEqual({ text: 'ab' });
    const spelt = { tokens: ['<0x61>', '</s>'], skip_special_tokens: true };
    expect((await post('/detokenize/reader1', spelt)).body).toEqual({ text: 'a' });
    expect((await post('/detokenize/reader1', { tokens: [100, 2] })).body).toEqual({ text: 'a</s>' });
  });
});

describe('/chat_template/:reader_id', () => {
  it('answers one prompt for each conversation', async () => {
    const { body } = await post('/chat_template/reader1', {
      inputs: [
        [
          { role: 'system', content: 'S' },
          { role: 'user', content: 'Q' },
        ],
        [
          { role: 'user', content: 'Q' },
          { role: 'assistant', content: 'A' },
        ],
      ],
    });
    const { messages } = body as { messages: string[] };
    expect(messages[0]).toBe('S USER: Q ');
    expect(messages[1]).toMatch(/USER: Q ASSISTANT: A<\/s>$/u);
  });
});

describe('questions to a reader', () => {
  it('are refused at once while it is not live', async () => {
    const readers = new ScriptedReaders();
    readers.card = null;
    const loading = await scriptedApp({}, readers);
    const response = await loading.app.inject({
      method: 'POST',
      url: '/tokenize/reader1',
      payload: { text: 'a' },
    });
    expect([response.statusCode, codeOf(response.json())]).toEqual([503, 'group.unavailable']);
    await loading.close();
  });

  it('end when it dies, and when it says nothing, and are bounded', async () => {
    const silent = await scriptedApp();
    const ask = () => silent.service.askReader<'model_config'>('reader1', { kind: 'model_config' });
    silent.readers.last.ignoresQuestions = true;
    const asked = Array.from({ length: MAX_OPEN_QUESTIONS }, ask);
    await expect(ask()).rejects.toMatchObject({ code: 'reader.queue_full' });
    silent.readers.last.die();
    for (const question of asked) await expect(question).rejects.toMatchObject({ code: 'reader.died' });
    await expect.poll(() => silent.readers.lives).toHaveLength(2);
    silent.readers.last.ignoresQuestions = true;
    vi.useFakeTimers();
    const unanswered = expect(ask()).rejects.toMatchObject({ code: 'reader.stalled' });
    await vi.advanceTimersByTimeAsync(ANSWER_TIMEOUT_MS);
    await unanswered;
    vi.useRealTimers();
    await silent.close();
  });
});
