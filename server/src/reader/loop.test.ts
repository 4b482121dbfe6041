import { describe, expect, it } from 'vitest';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage, ImagePayload, RequestEvent } from '../link/requests/messages.js';
import type { EngineLimits, LanguageEngine, StepRow } from './engine/engine.js';
import { WholeClaims } from './kv/whole-claims.js';
import { createEchoModel } from './load/echo-model.js';
import { ReaderLoop } from './loop.js';
import { serveTemplate } from './load/served-template.js';
import { SequenceFactory } from './sequence-factory.js';
import { ImageStore } from './vision/image-store.js';
import { GREEDY } from '../link/requests/sampling.fixture.js';

const LIMITS: EngineLimits = { contextTokens: 256, cells: 512, maxSequences: 4, maxRows: 64 };

const isRequestEvent = (event: FromReader): event is RequestEvent =>
  event.kind === 'token' || event.kind === 'done' || event.kind === 'error';

interface Options {
  readonly limits?: Partial<EngineLimits>;
  /** Features that are kept. */
  readonly imageCacheBytes?: number;
  /** Told of each step before it is computed. */
  readonly onStep?: (rows: readonly StepRow[]) => void;
}

function start({ limits = {}, imageCacheBytes = 1 << 20, onStep }: Options = {}) {
  const model = createEchoModel({ ...LIMITS, ...limits });
  const { engine, encoder } = model;
  const kv = new WholeClaims(engine.limits, engine);
  const events: RequestEvent[] = [];
  const defects: unknown[] = [];
  const watched: LanguageEngine = {
    limits: engine.limits,
    begin: (slot, sampling) => engine.begin(slot, sampling),
    end: (slot) => engine.end(slot),
    forget: (slot) => engine.forget(slot),
    close: () => engine.close(),
    step: async (rows) => {
      kv.checkIntegrity();
      onStep?.(rows);
      const sampled = await engine.step(rows);
      expect(engine.usedCells).toBeLessThanOrEqual(kv.heldCells);
      return sampled;
    },
  };
  const loop = new ReaderLoop({
    engine: watched,
    kv,
    images: new ImageStore(encoder, imageCacheBytes),
    sequences: new SequenceFactory({
      ...model,
      template: serveTemplate(null, model.description).template,
      contextTokens: engine.limits.contextTokens,
    }),
    send: (event) => {
      if (isRequestEvent(event)) events.push(event);
    },
    onDefect: (error) => defects.push(error),
    maxPrefillRowsBesideDecode: 16,
  });
  /** When everything has ended: what is left in the cache. */
  const idle = async (): Promise<void> => {
    await loop.idle();
    kv.checkIntegrity();
    if (defects.length === 0) expect([kv.heldCells, engine.usedCells]).toEqual([0, 0]);
  };
  return { loop, idle, kv, engine, encoder, events, defects };
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
  sampling: GREEDY,
  ...more,
});

/** Of an encoding by the echo encoder. */
const SLICES = 2;
const imageOf = (sha256: string): ImagePayload => ({
  sha256,
  widthPx: 10,
  heightPx: 10,
  sidePx: 112,
  tiles: new Uint8Array(),
});
/** The image, and a text after it, for each text. */
const about = (image: ImagePayload, requestId: string, texts: readonly string[]): GenerateMessage =>
  request(requestId, [], {
    images: [image],
    prompts: texts.map((text) => ({
      kind: 'raw',
      parts: [
        { kind: 'image', image: 0 },
        { kind: 'text', text },
      ],
    })),
  });
/** Like `request`, with answers of this many tokens. */
const long = (requestId: string, texts: readonly string[], tokens: number): GenerateMessage => {
  const base = request(requestId, texts);
  return { ...base, sampling: { ...base.sampling, maxNewTokens: tokens, minNewTokens: tokens } };
};

const textOf = (events: readonly RequestEvent[], requestId: string, prompt = 0): string =>
  events
    .filter((event) => event.requestId === requestId && event.prompt === prompt)
    .map((event) => (event.kind === 'token' ? event.text : ''))
    .join('');

const terminals = (events: readonly RequestEvent[]) => events.filter((event) => event.kind !== 'token');

describe('ReaderLoop', () => {
  it('answers each prompt and ends it exactly once', async () => {
    const { loop, idle, events } = start();
    loop.accept(request('a', [' héllo\n🦙', 'second']));
    await idle();
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
    const { loop, idle, events } = start();
    loop.accept(request('a', ['aaaa', 'bbbb', 'cccc']));
    await idle();
    const order = events.filter((event) => event.kind === 'token').map((event) => event.prompt);
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('stops at max_new_tokens with the reason length', async () => {
    const { loop, idle, events } = start();
    const base = request('a', ['0123456789']);
    loop.accept({ ...base, sampling: { ...base.sampling, maxNewTokens: 3 } });
    await idle();
    expect(textOf(events, 'a')).toBe('012');
    expect(terminals(events)).toMatchObject([{ finishReason: 'length', usage: { generatedTokens: 3 } }]);
  });

  it('serves more prompts than slots and cells, in order, with every step inside the row budget', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `prompt number ${i} ${'x'.repeat(i * 5)}`);
    const { loop, idle, events } = start({
      limits: { maxSequences: 3, cells: 300 },
      onStep: (rows) => expect(rows.length).toBeLessThanOrEqual(LIMITS.maxRows),
    });
    loop.accept(request('a', texts));
    await idle();
    texts.forEach((text, prompt) => expect(textOf(events, 'a', prompt)).toBe(text));
    expect(terminals(events)).toHaveLength(20);
  });

  it('refuses a prompt that can never fit, with the numbers, and serves the others', async () => {
    const { loop, idle, events } = start();
    loop.accept(request('a', ['x'.repeat(256), 'ok']));
    await idle();
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
    const { loop, idle, events } = start({
      limits: { maxSequences: 1 },
      onStep: () => {
        steps += 1;
        if (steps === 3) loop.cancel('long');
      },
    });
    loop.accept(request('long', ['abcdefghijklmnop']));
    loop.accept(request('next', ['z']));
    await idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'long', finishReason: 'cancelled' },
      { requestId: 'next', finishReason: 'stop' },
    ]);
    // The cancel came while the third step was under way: its token is the last one.
    expect(textOf(events, 'long')).toBe('abc');
  });

  it('cancels a waiting request', async () => {
    const { loop, idle, events } = start({ limits: { maxSequences: 1 } });
    loop.accept(request('first', ['abc']));
    loop.accept(request('waiting', ['def']));
    loop.cancel('waiting');
    await idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'waiting', finishReason: 'cancelled' },
      { requestId: 'first', finishReason: 'stop' },
    ]);
  });

  it('counts image rows and encodes an image once for all prompts', async () => {
    let imageRows = 0;
    const { loop, idle, events, encoder } = start({
      onStep: (rows) => {
        imageRows += rows.filter((row) => row.source.kind === 'features').length;
      },
    });
    loop.accept(about(imageOf('ab'), 'a', ['one', 'two']));
    await idle();
    expect(imageRows).toBe(128);
    expect(encoder.ranSlices).toBe(SLICES);
    expect(terminals(events)).toMatchObject([
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
    ]);
  });

  it('ends every accepted prompt with an error when the engine fails', async () => {
    const { loop, idle, events, defects } = start({
      limits: { maxSequences: 1 },
      onStep: () => {
        throw new TypeError('broken engine');
      },
    });
    loop.accept(request('a', ['x', 'y']));
    await idle();
    expect(terminals(events)).toMatchObject([
      { kind: 'error', prompt: 0, code: 'server.internal' },
      { kind: 'error', prompt: 1, code: 'server.internal' },
    ]);
    expect(defects).toHaveLength(1);
  });

  it('encodes at most one slice of an image between two steps of a running stream', async () => {
    const slices: number[] = [];
    const { loop, idle, encoder } = start({ onStep: () => slices.push(encoder.ranSlices) });
    loop.accept(long('stream', ['abc'], 40));
    loop.accept(about(imageOf('one'), 'a', ['x']));
    loop.accept(about(imageOf('two'), 'b', ['y']));
    await idle();
    const added = slices.map((total, step) => total - (slices[step - 1] ?? 0));
    expect(Math.max(...added)).toBe(1);
    expect(slices.at(-1)).toBe(2 * SLICES);
  });

  it('adds at most the allowed prompt rows to a step in which another sequence decodes', async () => {
    const steps: { readonly decode: number; readonly prefill: number }[] = [];
    const { loop, idle } = start({
      onStep: (rows) => {
        const decode = rows.filter(({ slot, samples }) => samples && slot === rows[0]?.slot).length;
        steps.push({ decode, prefill: rows.length - decode });
      },
    });
    loop.accept(long('stream', ['a'], 30));
    loop.accept(request('long prompt', ['p'.repeat(120)]));
    await idle();
    const beside = steps.slice(1).filter(({ decode }) => decode > 0);
    expect(Math.max(...beside.map(({ prefill }) => prefill))).toBeLessThanOrEqual(16);
  });

  it('encodes an image again only when its features had to make room', async () => {
    const features = 64 * Float32Array.BYTES_PER_ELEMENT;
    const { loop, idle, encoder } = start({ imageCacheBytes: 2 * features });
    for (const name of ['one', 'two', 'one', 'three', 'one', 'two']) {
      loop.accept(about(imageOf(name), name, ['x']));
      await idle();
    }
    // `two` was the least recently used when `three` came.
    expect(encoder.ranSlices).toBe(4 * SLICES);
  });

  it('frees the cells of a cancelled sequence for the one that waits for them', async () => {
    let steps = 0;
    const { loop, idle, events, kv } = start({
      limits: { cells: 256, maxSequences: 4 },
      onStep: () => {
        steps += 1;
        if (steps === 5) loop.cancel('first');
        if (steps === 7) expect(kv.heldCells).toBe(3 + 200);
      },
    });
    loop.accept(long('first', ['abc'], 200));
    loop.accept(long('second', ['def'], 200));
    await idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'first', finishReason: 'cancelled' },
      { requestId: 'second', finishReason: 'length' },
    ]);
  });

  it('starts a long prompt before the short ones that came after it, however many fit beside others', async () => {
    const { loop, idle, events } = start({ limits: { cells: 256, maxSequences: 4 } });
    loop.accept(long('first', ['abc'], 100));
    loop.accept(long('large', ['x'.repeat(50)], 200));
    for (let n = 0; n < 10; n += 1) loop.accept(long(`small ${n}`, ['y'], 20));
    await idle();
    const order = terminals(events).map(({ requestId }) => requestId);
    expect(order.slice(0, 2)).toEqual(['first', 'large']);
    expect(order).toHaveLength(12);
  });

  it('ends each of 300 random prompts once, cancelled ones too, and leaves nothing in the cache', async () => {
    let state = 99;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const { loop, idle, events, defects } = start({
      limits: { cells: 400, maxSequences: 5 },
      imageCacheBytes: 1024,
      onStep: () => {
        if (random(4) === 0) loop.cancel(`r${random(100)}`);
      },
    });
    for (let n = 0; n < 100; n += 1) {
      const texts = Array.from({ length: 3 }, () => 'z'.repeat(random(60) + 1));
      loop.accept(
        random(2) === 0
          ? about(imageOf(`i${random(5)}`), `r${n}`, texts)
          : long(`r${n}`, texts, 1 + random(50)),
      );
    }
    await idle();
    expect(defects).toEqual([]);
    const ended = terminals(events).map(({ requestId, prompt }) => `${requestId} ${prompt}`);
    expect(ended).toHaveLength(300);
    expect(new Set(ended).size).toBe(300);
  });
});

describe('what a request asks of its answers', () => {
  it('ends an answer at a stop string that several tokens spell, and sends nothing of it', async () => {
    const { loop, idle, events } = start();
    const sampling = { ...GREEDY, stop: ['never', 'é!'] };
    loop.accept(request('r', ['née é! après'], { sampling }));
    await idle();
    expect(textOf(events, 'r')).toBe('née ');
    expect(events.at(-1)).toMatchObject({ kind: 'done', finishReason: 'stop' });
  });

  it('sends the log probability of each token with its text, where they are asked for', async () => {
    const { loop, idle, events } = start();
    loop.accept(request('r', ['ab'], { sampling: { ...GREEDY, topLogprobs: 1 } }));
    loop.accept(request('plain', ['ab']));
    await idle();
    const told = events.filter((event) => event.kind === 'token' && event.logprobs !== undefined);
    expect(told.map((event) => event.requestId)).toEqual(['r', 'r']);
    expect(told[0]).toMatchObject({ text: 'a', logprobs: [{ logprob: 0, top: [{ logprob: 0 }] }] });
  });
});
