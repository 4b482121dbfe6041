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

async function complete(fields: object, options: ScriptedAppOptions = {}) {
  opened ??= await scriptedApp(options);
  const payload = { model: 'primary', prompt: 'ab', ...fields };
  return opened.app.inject({ method: 'POST', url: '/v1/completions', payload });
}
const eventsOf = (payload: Buffer): unknown[] =>
  new SseDecoder()
    .push(payload)
    .map(({ data }): unknown => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)));
const bytes = (text: string) => new TextEncoder().encode(text);

describe('/v1/completions', () => {
  it('answers a prompt as it is, with the default length of OpenAI', async () => {
    expect((await complete({})).json()).toMatchObject({
      id: expect.stringMatching(/^cmpl-/u) as unknown,
      object: 'text_completion',
      model: 'primary',
      choices: [{ text: 'ab', index: 0, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 2 },
    });
    const { prompts, sampling } = await opened!.readers.last.next('generate');
    expect(prompts).toEqual([{ kind: 'raw', parts: [{ kind: 'text', text: 'ab' }] }]);
    expect(sampling.maxNewTokens).toBe(16);
  });

  it('answers a list of prompts n times each, and counts each prompt once', async () => {
    const { choices, usage } = (await complete({ prompt: ['a', 'b'], n: 2 })).json<{
      choices: { text: string; index: number }[];
      usage: object;
    }>();
    expect(choices.map(({ text, index }) => `${index} ${text}`)).toEqual(['0 a', '1 a', '2 b', '3 b']);
    expect(usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 8, total_tokens: 22 });
  });

  it('streams text, the reason of the end, and usage where it is asked for', async () => {
    const { rawPayload } = await complete({ stream: true, stream_options: { include_usage: true } });
    const choice = (text: string, finish_reason: string | null = null) => ({
      choices: [{ text, index: 0, logprobs: null, finish_reason }],
      usage: null,
    });
    expect(eventsOf(rawPayload)).toMatchObject([
      choice('a'),
      choice('b'),
      choice('', 'stop'),
      { choices: [], usage: { total_tokens: 9 } },
      '[DONE]',
    ]);
  });

  it('tells log probabilities as parallel lists, with offsets that go on from chunk to chunk', async () => {
    const told = (text: string): TokenLogprob => ({
      bytes: bytes(text),
      logprob: -1,
      top: [{ bytes: bytes('x'), logprob: -0.5 }],
    });
    const script: Script = ({ requestId }, reader) => {
      reader.say({ kind: 'token', requestId, prompt: 0, text: 'one', logprobs: [told('one')] });
      reader.say({ kind: 'token', requestId, prompt: 0, text: 'two', logprobs: [told('tw'), told('o')] });
      reader.done(requestId);
    };
    expect((await complete({ logprobs: 1 }, { script })).json()).toMatchObject({
      choices: [
        {
          logprobs: {
            tokens: ['one', 'tw', 'o'],
            token_logprobs: [-1, -1, -1],
            top_logprobs: [{ x: -0.5 }, { x: -0.5 }, { x: -0.5 }],
            text_offset: [0, 3, 5],
          },
        },
      ],
    });
    const events = eventsOf((await complete({ logprobs: 1, stream: true })).rawPayload);
    expect(events[1]).toMatchObject({
      choices: [{ logprobs: { tokens: ['tw', 'o'], text_offset: [3, 5] } }],
    });
  });

  it('names the prompt of a list that failed', async () => {
    const script: Script = ({ requestId }, reader) =>
      reader.say({ kind: 'error', requestId, prompt: 3, code: 'request.does_not_fit', message: 'too long' });
    const response = await complete({ prompt: ['a', 'b'], n: 2 }, { script });
    expect(response.json()).toMatchObject({ error: { message: 'prompt[1]: too long' } });
  });

  it.each([
    ['prompt', { prompt: undefined }, 'prompt is missing; allowed is a string, or a list of strings'],
    ['prompt', { prompt: [] }, 'prompt is a list of 0'],
    ['prompt[0]', { prompt: [1, 2] }, 'token ids are not taken'],
    ['prompt', { prompt: 'x'.repeat(150_001) }, 'prompt has at least 150001 bytes of text'],
    ['echo', { echo: true }, 'echo is not supported'],
    ['suffix', { suffix: 'z' }, 'suffix is not supported'],
    ['best_of', { best_of: 3 }, 'ask for several answers with n'],
    [
      'n',
      { prompt: Array.from({ length: 1000 }, () => 'a'), n: 2 },
      'ask for 2000 answers; allowed are 1000',
    ],
  ])('refuses by its field %s', async (param, fields, sentence) => {
    const response = await complete(fields);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      error: { param, message: expect.stringContaining(sentence) as unknown },
    });
  });
});
