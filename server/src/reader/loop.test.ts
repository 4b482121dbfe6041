import { describe, expect, it } from 'vitest';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage, Prompt, RequestEvent } from '../link/requests/messages.js';
import { createEchoModel } from './engine/echo-model.js';
import type { Engine, EngineLimits, StepRow } from './engine/engine.js';
import { ReaderLoop } from './loop.js';
import { SequenceFactory } from './sequence-factory.js';

const LIMITS: EngineLimits = { contextTokens: 256, cells: 512, maxSequences: 4, maxRows: 64 };

const isRequestEvent = (event: FromReader): event is RequestEvent =>
  event.kind === 'token' || event.kind === 'done' || event.kind === 'error';

function start(limits: Partial<EngineLimits> = {}, spy?: (rows: readonly StepRow[]) => void) {
  const model = createEchoModel({ ...LIMITS, ...limits });
  const { engine } = model;
  const events: RequestEvent[] = [];
  const defects: unknown[] = [];
  const watched: Engine = Object.assign(Object.create(engine) as Engine, {
    limits: engine.limits,
    imageRows: () => engine.imageRows(1, 1),
    startEncoding: (image: Parameters<Engine['startEncoding']>[0]) => engine.startEncoding(image),
    open: (slot: number, sampling: Parameters<Engine['open']>[1]) => engine.open(slot, sampling),
    release: (slot: number) => engine.release(slot),
    step: (rows: readonly StepRow[]) => {
      spy?.(rows);
      return engine.step(rows);
    },
  });
  const loop: ReaderLoop = new ReaderLoop({
    engine: watched,
    sequences: new SequenceFactory({
      ...model,
      contextTokens: engine.limits.contextTokens,
      imageRows: () => 64,
    }),
    send: (event) => {
      if (isRequestEvent(event)) events.push(event);
    },
    onDefect: (error) => defects.push(error),
    maxPrefillRowsBesideDecode: 16,
    imageCacheBytes: 1 << 20,
  });
  return { loop, events, defects };
}

const request = (
  requestId: string,
  texts: readonly string[],
  more: Partial<GenerateMessage> = {},
): GenerateMessage => ({
  kind: 'generate',
  requestId,
  prompts: texts.map((text) => ({ kind: 'raw', parts: [{ kind: 'text', text }] })),
  images: [],
  promptMaxTokens: null,
  sampling: {
    temperature: 1,
    topP: 1,
    topK: 1,
    repetitionPenalty: 1,
    noRepeatNgramSize: 0,
    maxNewTokens: 128,
    minNewTokens: 0,
  },
  ...more,
});

const textOf = (events: readonly RequestEvent[], requestId: string, prompt = 0): string =>
  events
    .filter((event) => event.requestId === requestId && event.prompt === prompt)
    .map((event) => (event.kind === 'token' ? event.text : ''))
    .join('');

const terminals = (events: readonly RequestEvent[]) => events.filter((event) => event.kind !== 'token');

describe('ReaderLoop', () => {
  it('answers each prompt and ends it exactly once', async () => {
    const { loop, events } = start();
    loop.accept(request('a', [' héllo\n🦙', 'second']));
    await loop.idle();
    expect(textOf(events, 'a', 0)).toBe(' héllo\n🦙');
    expect(textOf(events, 'a', 1)).toBe('second');
    expect(terminals(events)).toMatchObject([
      {
        kind: 'done',
        prompt: 1,
        finishReason: 'stop',
        usage: { promptTokens: 6, imageTokens: 0, generatedTokens: 6 },
      },
      { kind: 'done', prompt: 0, finishReason: 'stop' },
    ]);
  });

  it('interleaves the prompts of a batch', async () => {
    const { loop, events } = start();
    loop.accept(request('a', ['aaaa', 'bbbb', 'cccc']));
    await loop.idle();
    const order = events.filter((event) => event.kind === 'token').map((event) => event.prompt);
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('stops at max_new_tokens with the reason length', async () => {
    const { loop, events } = start();
    const base = request('a', ['0123456789']);
    loop.accept({ ...base, sampling: { ...base.sampling, maxNewTokens: 3 } });
    await loop.idle();
    expect(textOf(events, 'a')).toBe('012');
    expect(terminals(events)).toMatchObject([{ finishReason: 'length', usage: { generatedTokens: 3 } }]);
  });

  it('serves more prompts than slots and cells, in order, with every step inside the row budget', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `prompt number ${i} ${'x'.repeat(i * 5)}`);
    const { loop, events } = start({ maxSequences: 3, cells: 300 }, (rows) =>
      expect(rows.length).toBeLessThanOrEqual(LIMITS.maxRows),
    );
    loop.accept(request('a', texts));
    await loop.idle();
    texts.forEach((text, prompt) => expect(textOf(events, 'a', prompt)).toBe(text));
    expect(terminals(events)).toHaveLength(20);
  });

  it('refuses a prompt that can never fit, with the numbers, and serves the others', async () => {
    const { loop, events } = start();
    loop.accept(request('a', ['x'.repeat(256), 'ok']));
    await loop.idle();
    expect(events.find((event) => event.kind === 'error')).toMatchObject({
      prompt: 0,
      code: 'request.does_not_fit',
    });
    expect(events.find((event) => event.kind === 'error')).toHaveProperty(
      'message',
      expect.stringMatching(/256.*holds 256/),
    );
    expect(textOf(events, 'a', 1)).toBe('ok');
  });

  it('cancels a running request before the next step and frees its slot', async () => {
    let steps = 0;
    const { loop, events } = start({ maxSequences: 1 }, () => {
      steps += 1;
      if (steps === 3) loop.cancel('long');
    });
    loop.accept(request('long', ['abcdefghijklmnop']));
    loop.accept(request('next', ['z']));
    await loop.idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'long', finishReason: 'cancelled' },
      { requestId: 'next', finishReason: 'stop' },
    ]);
    // The cancel came while the third step was under way: its token is the last one.
    expect(textOf(events, 'long')).toBe('abc');
  });

  it('cancels a waiting request', async () => {
    const { loop, events } = start({ maxSequences: 1 });
    loop.accept(request('first', ['abc']));
    loop.accept(request('waiting', ['def']));
    loop.cancel('waiting');
    await loop.idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'waiting', finishReason: 'cancelled' },
      { requestId: 'first', finishReason: 'stop' },
    ]);
  });

  it('counts image rows and encodes an image once for all prompts', async () => {
    const image = { sha256: 'ab', widthPx: 10, heightPx: 10, sidePx: 112, tiles: new Uint8Array() };
    let imageRows = 0;
    const { loop, events } = start({}, (rows) => {
      imageRows += rows.filter((row) => row.source.kind === 'image').length;
    });
    const prompts = ['one', 'two'].map((text): Prompt => ({
      kind: 'raw',
      parts: [
        { kind: 'image', image: 0 },
        { kind: 'text', text },
      ],
    }));
    loop.accept(request('a', [], { prompts, images: [image] }));
    await loop.idle();
    expect(imageRows).toBe(128);
    expect(terminals(events)).toMatchObject([
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
    ]);
  });

  it('ends every accepted prompt with an error when the engine fails', async () => {
    const { loop, events, defects } = start({ maxSequences: 1 }, () => {
      throw new TypeError('broken engine');
    });
    loop.accept(request('a', ['x', 'y']));
    await loop.idle();
    expect(terminals(events)).toMatchObject([
      { kind: 'error', prompt: 0, code: 'server.internal' },
      { kind: 'error', prompt: 1, code: 'server.internal' },
    ]);
    expect(defects).toHaveLength(1);
  });
});
