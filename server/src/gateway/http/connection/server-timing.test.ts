import { afterEach, describe, expect, it } from 'vitest';
import { generationMetadataSchema, SseDecoder } from 'takeoff-wire';
import type { Script } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

let app: ScriptedApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const TIMES = { visionMs: 0.125, prefillMs: 0.25, decodeMs: 0.5 };

/** Longer than TIMES, since the stages of a request take no longer than the request. */
const ANSWER_MS = 5;

const worked: Script = ({ requestId, prompts }, reader) => {
  setTimeout(() => {
    for (const prompt of prompts.keys()) {
      reader.token(requestId, 'x', prompt);
      reader.done(requestId, prompt, 'stop', TIMES);
    }
  }, ANSWER_MS);
};

async function ask(url: string, body: object) {
  app = await scriptedApp({ script: worked });
  return app.app.inject({ method: 'POST', url, payload: { ...body, return_metadata: true } });
}

/** Durations by name, and counts. */
const entriesOf = (header: unknown): Record<string, number> =>
  Object.fromEntries(
    String(header)
      .split(', ')
      .map((entry) => /^([a-z_]+);(?:dur=([\d.]+)|desc="(\d+)")$/u.exec(entry) ?? [])
      .map(([, name = '', ms, count]) => [name, Number(ms ?? count)]),
  );

const STAGES = ['receive', 'decode_image', 'queue', 'vision', 'prefill', 'decode'];

describe('Server-Timing', () => {
  it('has every stage of a buffered answer, in the words of its metadata', async () => {
    const response = await ask('/generate', { text: 'a' });
    const { timings } = response.json<{ metadata: { timings: Record<string, number> } }>().metadata;
    const entries = entriesOf(response.headers['server-timing']);
    expect(Object.keys(timings)).toHaveLength(STAGES.length + 2);
    for (const [field, ms] of Object.entries(timings))
      expect(entries[field.replace(/_ms$/u, '')]).toBeCloseTo(ms, 1);
    expect(entries).toMatchObject({ cached_tokens: 1, image_tokens: 3 });
    const sum = STAGES.reduce((total, stage) => total + (entries[stage] ?? NaN), 0);
    expect(sum).toBeCloseTo(entries['total'] ?? 0, 1);
  });

  it('counts the tokens of all prompts of a list', async () => {
    const response = await ask('/generate', { text: ['a', 'b', 'c'] });
    expect(entriesOf(response.headers['server-timing'])).toMatchObject({ cached_tokens: 3, image_tokens: 9 });
  });

  it('has what is over when a stream begins; its metadata have the rest', async () => {
    const response = await ask('/generate_stream', { text: 'a' });
    expect(Object.keys(entriesOf(response.headers['server-timing']))).toEqual([
      'receive',
      'decode_image',
      'headers',
    ]);
    const last = new SseDecoder().push(response.rawPayload).at(-1);
    const { metadata } = JSON.parse(last?.data ?? '') as { metadata: unknown };
    const { timings } = generationMetadataSchema.parse(metadata);
    expect(timings).toMatchObject({ vision_ms: 0.13, prefill_ms: 0.25, decode_ms: 0.5 });
  });

  it('is there for the OpenAI API too', async () => {
    const messages = [{ role: 'user', content: 'a' }];
    const response = await ask('/v1/chat/completions', { model: 'primary', messages });
    expect(entriesOf(response.headers['server-timing'])).toMatchObject({ vision: 0.13, cached_tokens: 1 });
  });
});
