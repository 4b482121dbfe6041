import { afterEach, describe, expect, it } from 'vitest';
import { batchEventSchema, SseDecoder, type GenerationMetadata, type SseEvent } from 'takeoff-wire';
import type { GenerateMessage } from '../../../link/requests/messages.js';
import { CARD, echo, ScriptedReaders, silent, type Script } from '../../readers/scripted-reader.fixture.js';
import { formOf, PYTHON_FORM } from './multipart.fixture.js';
import { PAYLOAD, scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(options: ScriptedAppOptions = {}): Promise<ScriptedApp> {
  opened = await scriptedApp(options);
  return opened;
}

async function ask(path: string, body: unknown, options: ScriptedAppOptions = {}) {
  const { app } = opened ?? (await open(options));
  return app.inject({ method: 'POST', url: path, payload: body as object });
}

const decode = (payload: Buffer): SseEvent[] => new SseDecoder().push(payload);

/** A reader that says these pieces to every prompt. */
const saying =
  (...pieces: string[]): Script =>
  ({ requestId, prompts }, reader) => {
    // Piece by piece over all prompts, as a batch is generated.
    for (const piece of pieces) prompts.forEach((_, prompt) => reader.token(requestId, piece, prompt));
    prompts.forEach((_, prompt) => reader.done(requestId, prompt));
  };

/** Keeps the message that a reader got. */
function keeping(messages: GenerateMessage[]): Script {
  return (message, reader) => {
    messages.push(message);
    message.prompts.forEach((_, prompt) => reader.done(message.requestId, prompt));
  };
}

const METADATA = {
  prompt_tokens: 7,
  image_tokens: 3,
  cached_tokens: 1,
  generated_tokens: 2,
  finish_reason: 'stop',
  timings: expect.objectContaining({ queue_ms: expect.any(Number) as number }) as object,
};

describe('/generate', () => {
  it('answers a text with a text and a list with a list in its order', async () => {
    expect((await ask('/generate', { text: 'one' })).json()).toEqual({ text: 'one' });
    expect((await ask('/generate', { text: ['one', '', 'three'] })).json()).toEqual({
      text: ['one', '', 'three'],
    });
    expect((await ask('/generate', { text: ['one'] })).json()).toEqual({ text: ['one'] });
  });

  it('adds metadata when it is asked for, in the form of the text', async () => {
    const single = await ask('/generate', { text: 'a', return_metadata: true });
    expect(single.json()).toEqual({ text: 'a', metadata: METADATA });
    const list = await ask('/generate', { text: ['a', 'b'], return_metadata: true });
    expect(list.json()).toEqual({ text: ['a', 'b'], metadata: [METADATA, METADATA] });
  });

  it('tells in the metadata of each prompt, buffered and streamed, what was hardly meant', async () => {
    const body = { text: ['<image>', 'b'], return_metadata: true };
    const { metadata } = (await ask('/generate', body)).json<{ metadata: GenerationMetadata[] }>();
    const told = [{ ...METADATA, warnings: [expect.stringContaining('<image:URL>')] }, METADATA];
    expect(metadata).toEqual(told);
    const streamed = decode((await ask('/generate_stream', body)).rawPayload)
      .map(({ data }) => batchEventSchema.parse(JSON.parse(data)))
      .flatMap((event) => (event.metadata === undefined ? [] : [event.metadata]));
    expect(streamed).toEqual(told);
    const sampled = { text: 'a', sampling_temperature: 0.7, return_metadata: true };
    expect((await ask('/generate', sampled)).json()).toMatchObject({
      metadata: { warnings: [expect.stringContaining('sampling_topk')] },
    });
  });

  it('accepts what the newest Python client sends: every unset field as null', async () => {
    const messages: GenerateMessage[] = [];
    const response = await ask(
      '/generate',
      {
        text: 'a',
        sampling_temperature: null,
        sampling_topp: null,
        sampling_topk: null,
        repetition_penalty: null,
        no_repeat_ngram_size: null,
        max_new_tokens: null,
        min_new_tokens: null,
        regex_string: null,
        json_schema: null,
        constrained_decoding_backend: null,
        return_metadata: null,
        prompt_max_tokens: null,
        consumer_group: 'primary',
        lora_id: null,
        image_paths: null,
        use_chat_template: null,
      },
      { script: keeping(messages) },
    );
    expect(response.statusCode).toBe(200);
    expect(messages).toMatchObject([
      {
        prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'a' }] }],
        images: [],
        promptMaxTokens: null,
        imageTokenBudget: null,
        sampling: {
          temperature: 1,
          topP: 1,
          topK: 1,
          repetitionPenalty: 1,
          noRepeatNgramSize: 0,
          maxNewTokens: 128,
          minNewTokens: 1,
        },
      },
    ]);
  });

  it('hands every field that is set to the reader, and ignores fields that it does not know', async () => {
    const messages: GenerateMessage[] = [];
    const body = {
      text: 'a',
      sampling_temperature: 0.5,
      sampling_topp: 0.9,
      sampling_topk: 40,
      repetition_penalty: 1.2,
      no_repeat_ngram_size: 3,
      max_new_tokens: 7,
      min_new_tokens: 2,
      prompt_max_tokens: 50,
      use_chat_template: true,
      image_paths: ['/etc/passwd'],
      stop: ['x'],
      seed: 1,
    };
    await ask('/generate', body, { script: keeping(messages) });
    expect(messages).toMatchObject([
      {
        prompts: [
          {
            kind: 'conversation',
            system: null,
            turns: [{ role: 'user', parts: [{ kind: 'text', text: 'a' }] }],
          },
        ],
        images: [],
        promptMaxTokens: 50,
        sampling: {
          temperature: 0.5,
          topP: 0.9,
          topK: 40,
          repetitionPenalty: 1.2,
          noRepeatNgramSize: 3,
          maxNewTokens: 7,
          minNewTokens: 2,
        },
      },
    ]);
  });

  it('leaves a literal <image> in the text', async () => {
    expect((await ask('/generate', { text: '<image>\nhi <image:x' })).json()).toEqual({
      text: '<image>\nhi <image:x',
    });
  });

  it('answers 503 with Retry-After for a group that nobody serves', async () => {
    const response = await ask('/generate', { text: 'a', consumer_group: 'other' });
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ error: { code: 'group.unavailable' } });
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('fails the whole request with the first prompt that fails, and names it', async () => {
    const response = await ask(
      '/generate',
      { text: ['a', 'b'] },
      {
        script: ({ requestId }, reader) => {
          reader.token(requestId, 'x', 0);
          reader.say({
            kind: 'error',
            requestId,
            prompt: 1,
            code: 'request.does_not_fit',
            message: 'Too long.',
          });
        },
      },
    );
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      error: { code: 'request.does_not_fit', message: 'text[1]: Too long.' },
    });
    const cancelled = await opened?.readers.last.next('cancel');
    expect(cancelled?.requestId).toBe('request-1');
  });

  it('is answered anew when its reader dies in the middle of the answer, of which nothing was shown', async () => {
    let asked = 0;
    const response = await ask(
      '/generate',
      { text: ['a', 'b'] },
      {
        script: (message, reader) => {
          asked += 1;
          if (asked === 2) {
            echo(message, reader);
            return;
          }
          reader.token(message.requestId, 'half', 1);
          reader.done(message.requestId, 0);
          reader.die();
        },
      },
    );
    expect(response.json()).toEqual({ text: ['a', 'b'] });
  });

  it('is refused with 400, without Retry-After, when readers die of it', async () => {
    const response = await ask('/generate', { text: 'a' }, { script: (_, reader) => reader.die() });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'request.crashes_reader' } });
    expect(response.headers['retry-after']).toBeUndefined();
    expect(opened?.readers.lives).toHaveLength(2);
  });

  it('is refused with 503, without Retry-After, when no reader can ever be live again', async () => {
    const { app, readers, service } = await open();
    readers.card = null;
    readers.last.die();
    await expect.poll(() => readers.lives.length).toBe(2);
    readers.last.say({ kind: 'failed', code: 'checkpoint.missing', message: 'There is no /models/secret.' });
    readers.last.die();
    await expect
      .poll(() => service.readers())
      .toMatchObject([{ state: { kind: 'dead', restartInMs: null } }]);
    const response = await app.inject({ method: 'POST', url: '/generate', payload: { text: 'a' } });
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ error: { code: 'group.failed' } });
    expect(response.payload).toContain('checkpoint.missing');
    expect(response.payload).not.toContain('secret');
    expect(response.headers['retry-after']).toBeUndefined();
  });

  it('shows nothing of a reader’s internal failure', async () => {
    const response = await ask(
      '/generate',
      { text: 'a' },
      {
        script: ({ requestId }, reader) =>
          reader.say({
            kind: 'error',
            requestId,
            prompt: 0,
            code: 'server.internal',
            message: 'secret at /home/x',
          }),
      },
    );
    expect(response.statusCode).toBe(500);
    expect(response.payload).not.toContain('secret');
    expect(response.json()).toMatchObject({ error: { code: 'server.internal' } });
  });
});

describe('/generate_stream', () => {
  it('writes raw text events, byte for byte as the documentation says, and ends without a mark', async () => {
    const response = await ask(
      '/generate_stream',
      { text: 'a' },
      { script: saying('A', ' cat', '\n', ' and', '😀', '') },
    );
    expect(response.payload).toBe(
      'data:A\n\n' + 'data:  cat\n\n' + 'data:\ndata:\n\n' + 'data:  and\n\n' + 'data:😀\n\n',
    );
    expect(response.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(response.headers['content-type']).toMatch(/^text\/event-stream(;|$)/u);
  });

  it('is readable for LangChain, which only strips the text `data:`', async () => {
    const { payload } = await ask('/generate_stream', { text: 'a' }, { script: saying('A', 'cat', '.') });
    expect(payload.replaceAll('data:', '').replaceAll('\n\n', '')).toBe('Acat.');
  });

  it('puts metadata into the last event', async () => {
    const response = await ask(
      '/generate_stream',
      { text: 'a', return_metadata: true },
      { script: saying('x') },
    );
    const [text, last, ...rest] = decode(response.rawPayload);
    expect([text?.data, rest]).toEqual(['x', []]);
    expect(JSON.parse(last?.data ?? '')).toEqual({ text: '', metadata: METADATA });
  });

  it('interleaves the prompts of a list as JSON events with their index', async () => {
    const { payload } = await ask(
      '/generate_stream',
      { text: ['a', 'b', 'c'] },
      { script: saying('5', '!') },
    );
    expect(payload).toBe(
      ['5', '!']
        .flatMap((text) => [0, 1, 2].map((id) => `data:{"text":"${text}","batch_id":${id}}\n\n`))
        .join(''),
    );
  });

  it('gives a list of one JSON events too, and metadata per prompt', async () => {
    const { rawPayload } = await ask(
      '/generate_stream',
      { text: ['a'], return_metadata: true },
      { script: saying('x') },
    );
    expect(decode(rawPayload).map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { text: 'x', batch_id: 0 },
      { text: '', batch_id: 0, metadata: METADATA },
    ]);
  });

  it('answers a failure before the first event as JSON with its status', async () => {
    const response = await ask(
      '/generate_stream',
      { text: 'a' },
      {
        script: ({ requestId }, reader) =>
          reader.say({ kind: 'error', requestId, prompt: 0, code: 'request.does_not_fit', message: 'No.' }),
      },
    );
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toMatch(/^application\/json/u);
    expect(response.json()).toEqual({ error: { code: 'request.does_not_fit', message: 'No.' } });
  });

  it('ends with an error event when the reader dies in the middle', async () => {
    const response = await ask(
      '/generate_stream',
      { text: 'a' },
      {
        script: ({ requestId }, reader) => {
          reader.token(requestId, 'half');
          reader.die();
        },
      },
    );
    expect(response.statusCode).toBe(200);
    const [text, failure, ...rest] = decode(response.rawPayload);
    expect(text).toEqual({ name: 'message', data: 'half' });
    expect(failure?.name).toBe('error');
    expect(JSON.parse(failure?.data ?? '')).toMatchObject({ error: { code: 'reader.died' } });
    expect(rest).toEqual([]);
  });

  it('says nothing after an error event, and cancels the other prompts', async () => {
    const response = await ask(
      '/generate_stream',
      { text: ['a', 'b'] },
      {
        script: ({ requestId }, reader) => {
          reader.token(requestId, 'x', 0);
          reader.say({ kind: 'error', requestId, prompt: 1, code: 'request.does_not_fit', message: 'No.' });
          reader.token(requestId, 'never', 0);
        },
      },
    );
    const events = decode(response.rawPayload);
    expect(events.map(({ name }) => name)).toEqual(['message', 'error']);
    expect(JSON.parse(events[1]?.data ?? '')).toEqual({
      error: { code: 'request.does_not_fit', message: 'text[1]: No.' },
    });
    await opened?.readers.last.next('cancel');
  });
});

describe('both forms of an answer', () => {
  const PIECES = [
    [' leading', ' space'],
    ['\n', '\n\n', ' x', '\n'],
    ['😀', '日本', 'é', '👩‍👩‍👧'],
    ['data:', ':', 'event: error', '\n\n', '{"text":1}'],
    ['a\r\n', 'b\r', 'c'],
    [' ', '  ', '\t', '\u{feff}'],
    [],
  ];

  it.each(PIECES.map((pieces) => [JSON.stringify(pieces), pieces] as const))(
    'are equal for %s',
    async (_, pieces) => {
      const script = saying(...pieces);
      const { text } = (await ask('/generate', { text: 'q' }, { script })).json<{ text: string }>();
      const streamed = await ask('/generate_stream', { text: 'q' });
      expect(
        decode(streamed.rawPayload)
          .map(({ data }) => data)
          .join(''),
      ).toBe(text);
      const batch = await ask('/generate_stream', { text: ['q'] });
      expect(
        decode(batch.rawPayload)
          .map(({ data }) => (JSON.parse(data) as { text: string }).text)
          .join(''),
      ).toBe(text);
      expect(text).toBe(pieces.join('').replaceAll('\r', ''));
    },
  );
});

describe('/image_generate', () => {
  const upload = (path: string, form = PYTHON_FORM) =>
    (opened ?? { app: undefined }).app?.inject({ method: 'POST', url: path, ...form });

  it('puts the image in front of every prompt', async () => {
    const messages: GenerateMessage[] = [];
    const { uploads } = await open({ script: keeping(messages) });
    const form = formOf({ json_data: { text: ['a', 'b'] }, image_data: Buffer.from([1, 2, 255]) });
    const response = await upload('/image_generate', form);
    expect(response?.json()).toEqual({ text: ['', ''] });
    expect(messages[0]?.images).toEqual([PAYLOAD]);
    expect(messages[0]?.prompts).toEqual(
      ['a', 'b'].map((text) => ({
        kind: 'raw',
        parts: [
          { kind: 'image', image: 0 },
          { kind: 'text', text },
        ],
      })),
    );
    expect(uploads.map((bytes) => [...bytes])).toEqual([[1, 2, 255]]);
  });

  it('streams raw text for a text and JSON events for a list', async () => {
    await open({ script: saying(' x') });
    expect((await upload('/image_generate_stream'))?.payload).toBe('data:  x\n\n');
    const list = formOf({ json_data: { text: ['a', 'b'] }, image_data: Buffer.from('png') });
    expect((await upload('/image_generate_stream', list))?.payload).toBe(
      'data:{"text":" x","batch_id":0}\n\ndata:{"text":" x","batch_id":1}\n\n',
    );
  });

  it('refuses an image for a model that takes none, without decoding it', async () => {
    const readers = new ScriptedReaders(silent);
    readers.card = { ...CARD, vision: null };
    opened = await scriptedApp({}, readers);
    const response = await upload('/image_generate');
    expect(response?.statusCode).toBe(400);
    expect(response?.json()).toMatchObject({ error: { code: 'request.model_takes_no_images' } });
    expect(opened.uploads).toEqual([]);
  });

  it('answers 503 while no reader is live', async () => {
    await open();
    const form = formOf({
      json_data: { text: 'a', consumer_group: 'nobody' },
      image_data: Buffer.from('png'),
    });
    expect((await upload('/image_generate', form))?.statusCode).toBe(503);
    expect((await upload('/image_generate_stream', form))?.statusCode).toBe(503);
  });

  it('refuses an image tag in the text: the image is already there', async () => {
    await open();
    const form = formOf({
      json_data: { text: '<image:http://169.254.169.254/> x' },
      image_data: Buffer.from('p'),
    });
    const response = await upload('/image_generate', form);
    expect(response?.statusCode).toBe(400);
    expect(response?.payload).toContain('TAKEOFF_ALLOW_REMOTE_IMAGES');
  });
});
