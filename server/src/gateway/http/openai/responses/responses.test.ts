import { afterEach, describe, expect, it } from 'vitest';
import { SseDecoder } from 'takeoff-wire';
import type { TokenLogprob } from '../../../../link/requests/messages.js';
import type { Script } from '../../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../../scripted-app.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function respond(fields: object, options: ScriptedAppOptions = {}) {
  opened ??= await scriptedApp(options);
  const payload = { model: 'primary', input: 'ab', ...fields };
  return opened.app.inject({ method: 'POST', url: '/v1/responses', payload });
}
async function promptFor(fields: object) {
  const response = await respond(fields);
  expect([response.statusCode, response.body]).toEqual([200, expect.any(String)]);
  return (await opened!.readers.last.next('generate')).prompts[0];
}

const MESSAGE = {
  id: expect.stringMatching(/^msg_/u) as unknown,
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'ab', annotations: [] }],
};
const RESPONSE = {
  id: expect.stringMatching(/^resp_[0-9a-f]{32}$/u) as unknown,
  object: 'response',
  status: 'completed',
  model: 'primary',
  store: false,
  previous_response_id: null,
  error: null,
  incomplete_details: null,
  output: [MESSAGE],
  usage: {
    input_tokens: 7,
    input_tokens_details: { cached_tokens: 1, image_tokens: 3 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 9,
  },
};
const user = (text: string) => ({ role: 'user', parts: [{ kind: 'text', text }] });

describe('/v1/responses', () => {
  it('answers a string, and repeats what the request asked for', async () => {
    const asked = { instructions: 'Be brief.', max_output_tokens: 9, temperature: 0.5, metadata: { a: 'b' } };
    expect((await respond(asked)).json()).toMatchObject({ ...RESPONSE, ...asked });
    const { prompts, sampling } = await opened!.readers.last.next('generate');
    expect(prompts).toEqual([{ kind: 'conversation', system: 'Be brief.', turns: [user('ab')] }]);
    expect(sampling).toMatchObject({ maxNewTokens: 9, temperature: 0.5, topLogprobs: null });
  });

  it('reads messages, images and what tools were asked and told', async () => {
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AQ==', detail: 'auto' };
    const prompt = await promptFor({
      input: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'input_text', text: 'What is it?' }, image] },
        { type: 'reasoning', id: 'r1', summary: [] },
        {
          type: 'message',
          role: 'assistant',
          id: 'm1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'A circle.', annotations: [] }],
        },
        { type: 'function_call', call_id: 'c1', name: 'count', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: '2' },
        { role: 'user', content: 'And now?' },
      ],
    });
    expect(prompt).toEqual({
      kind: 'conversation',
      system: 'Be brief.',
      turns: [
        {
          role: 'user',
          parts: [
            { kind: 'image', image: 0 },
            { kind: 'text', text: 'What is it?' },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { kind: 'text', text: 'A circle.' },
            { kind: 'text', text: '\ncount({})' },
          ],
        },
        {
          role: 'user',
          parts: [
            { kind: 'text', text: 'Result of count: 2' },
            { kind: 'text', text: '\nAnd now?' },
          ],
        },
      ],
    });
    expect(opened?.uploads).toEqual([Buffer.from([1])]);
  });

  it('streams the events that build a response, numbered, under their names', async () => {
    const { rawPayload } = await respond({ stream: true });
    const events = new SseDecoder().push(rawPayload);
    const parsed = events.map(({ data }) => JSON.parse(data) as { type: string; sequence_number: number });
    expect(parsed.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(parsed.map(({ sequence_number: number }) => number)).toEqual([...parsed.keys()]);
    expect(rawPayload.toString()).toMatch(/^event: response\.created\ndata: /u);
    expect(parsed[4]).toMatchObject({ delta: 'a', output_index: 0, content_index: 0, item_id: MESSAGE.id });
    expect(parsed[6]).toMatchObject({ text: 'ab' });
    expect(parsed[9]).toMatchObject({ response: RESPONSE });
  });

  it('is incomplete where the answer was cut', async () => {
    const script: Script = ({ requestId }, reader) => reader.done(requestId, 0, 'length');
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect((await respond({}, { script })).json()).toMatchObject({
      ...cut,
      output: [{ status: 'incomplete' }],
    });
    const { payload } = await respond({ stream: true });
    expect(payload).toContain('event: response.incomplete\n');
  });

  it('tells log probabilities where they are asked for', async () => {
    const logprobs: TokenLogprob[] = [{ bytes: new Uint8Array([97]), logprob: -1, top: [] }];
    const script: Script = ({ requestId }, reader) => {
      reader.say({ kind: 'token', requestId, prompt: 0, text: 'a', logprobs });
      reader.done(requestId);
    };
    const told = [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }];
    const response = await respond({ include: ['message.output_text.logprobs'] }, { script });
    expect(response.json()).toMatchObject({ output: [{ content: [{ logprobs: told }] }] });
  });

  it('ends a stream that fails with an error event', async () => {
    const script: Script = ({ requestId }, reader) => {
      reader.token(requestId, 'a');
      reader.die();
    };
    const events = new SseDecoder().push((await respond({ stream: true }, { script })).rawPayload);
    expect(events.at(-1)?.name).toBe('error');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      type: 'error',
      code: 'reader.died',
      sequence_number: 5,
      param: null,
    });
  });

  it.each([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['store', { store: true }],
    ['conversation', { conversation: 'c' }],
    ['background', { background: true }],
    ['truncation', { truncation: 'auto' }],
    ['context_management', { context_management: [{ type: 'compaction' }] }],
    ['prompt', { prompt: { id: 'p' } }],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['input[0].type', { input: [{ type: 'item_reference', id: 'i' }] }],
    ['input[0].content[0].type', { input: [{ role: 'user', content: [{ type: 'input_file' }] }] }],
  ])('says of %s that it is not supported', async (param, fields) => {
    const response = await respond(fields);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { param, code: 'request.not_supported' } });
  });

  it.each([
    ['input', { input: undefined }],
    ['input[0].role', { input: [{ role: 'tool', content: 'a' }] }],
    ['input[0].type', { input: [{ type: 'painting' }] }],
    ['metadata', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [index, 'a'])) }],
    ['metadata.a', { metadata: { a: 'x'.repeat(513) } }],
  ])('names the field %s that is not allowed', async (param, fields) => {
    expect((await respond(fields)).json()).toMatchObject({ error: { param, code: 'request.field_invalid' } });
  });

  it('takes what asks for nothing', async () => {
    await promptFor({
      store: false,
      truncation: 'disabled',
      tools: [],
      tool_choice: 'auto',
      reasoning: { effort: 'low' },
      text: { format: { type: 'text' } },
    });
  });
});
