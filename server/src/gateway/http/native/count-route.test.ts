import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../../readers/scripted-reader.fixture.js';
import { PAYLOAD, scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

let scripted: ScriptedApp;
let app: FastifyInstance;
beforeAll(async () => {
  scripted = await scriptedApp({ script: silent, maxOpenRequests: 1, limits: { allowRemoteImages: true } });
  ({ app } = scripted);
});
afterAll(() => scripted.close());

const count = async (payload: object) => {
  const response = await app.inject({ method: 'POST', url: '/count', payload });
  return { status: response.statusCode, body: response.json<unknown>() };
};

const ROOM = 2048;

describe('/count', () => {
  it('answers what a prompt takes and how long its answer may be', async () => {
    expect(await count({ text: 'hello', max_new_tokens: 5, sampling_topp: null })).toEqual({
      status: 200,
      body: {
        count: { prompt_tokens: 5, image_tokens: 0, fits: true, max_answer_tokens: ROOM - 5 },
        context_tokens: ROOM,
      },
    });
  });

  it('answers a list for a list, and says which prompts fit', async () => {
    const { body } = await count({ text: ['', 'a', 'b'.repeat(ROOM - 1), 'c'.repeat(ROOM)] });
    expect(body).toMatchObject({
      count: [
        { prompt_tokens: 0, fits: false, max_answer_tokens: 0 },
        { prompt_tokens: 1, fits: true },
        { prompt_tokens: ROOM - 1, fits: true, max_answer_tokens: 1 },
        { prompt_tokens: ROOM, fits: false, max_answer_tokens: 0 },
      ],
    });
  });

  it('cuts the text where the request has it cut', async () => {
    const { body } = await count({ text: 'hello', prompt_max_tokens: 2 });
    expect(body).toMatchObject({ count: { prompt_tokens: 2 } });
  });

  it('refuses an adapter that no reader of the group has', async () => {
    const { status, body } = await count({ text: 'hello', lora_id: 'style' });
    expect([status, body]).toMatchObject([400, { error: { code: 'request.unknown_lora' } }]);
  });

  it('counts an uploaded image, and one that a tag names', async () => {
    const form = new FormData();
    form.set('json_data', JSON.stringify({ text: 'hi' }));
    form.set('image_data', new Blob(['bytes']), 'a.png');
    const encoded = new Response(form);
    const response = await app.inject({
      method: 'POST',
      url: '/count',
      headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
    expect(scripted.uploads).toHaveLength(1);
    expect([PAYLOAD.widthPx, PAYLOAD.heightPx]).toEqual([4, 3]);
    const expected = { count: { prompt_tokens: 64 + 3, image_tokens: 64 } };
    expect(response.json()).toMatchObject(expected);
    expect((await count({ text: '<image:https://a.example/b.png>hi' })).body).toMatchObject(expected);
  });

  it('takes no place in the queue', async () => {
    const waiting = app.inject({
      method: 'POST',
      url: '/generate',
      payload: { text: 'takes the only place' },
    });
    const { requestId } = await scripted.readers.last.next('generate');
    expect((await count({ text: 'a' })).status).toBe(200);
    scripted.readers.last.done(requestId);
    expect((await waiting).statusCode).toBe(200);
  });

  it.each([
    ['an unknown group', { text: 'a', consumer_group: 'nobody' }, 503, 'group.unavailable'],
    ['an empty list', { text: [] }, 400, 'request.batch_empty'],
    ['what no generate endpoint takes', { text: 'a', sampling_topp: 7 }, 400, 'request.out_of_range'],
    ['no text', {}, 422, 'request.wrong_shape'],
  ])('refuses %s', async (_, payload, status, code) => {
    const answer = await count(payload);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });

  it('asks for one of its two types of body', async () => {
    const response = await app.inject({ method: 'POST', url: '/count' });
    expect(response.statusCode).toBe(415);
  });
});
