import { describe, expect, it } from 'vitest';
import type { ReaderCounts } from '../link/lifecycle/reader-counts.js';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage, ImagePayload, RequestEvent } from '../link/requests/messages.js';
import type { EngineLimits, LanguageEngine, StepRow } from './engine/engine.js';
import { RowNumbers } from './kv/row-key.js';
import { SharedPrefixes } from './kv/shared-prefixes.js';
import { UnsharedRows } from './kv/unshared-rows.js';
import { createEchoModel } from './load/echo-model.js';
import { ReaderLoop } from './loop.js';
import { serveTemplate } from './load/served-template.js';
import { SequenceFactory } from './sequence-factory.js';
import type { ImageEncoder } from './vision/image-encoder.js';
import { ImageStore } from './vision/image-store.js';
import { GREEDY } from '../link/requests/greedy.js';

const LIMITS: EngineLimits = {
  contextTokens: 256,
  cells: 512,
  maxSequences: 4,
  slots: 16,
  maxRows: 64,
  rowGroup: 1,
};

const isRequestEvent = (event: FromReader): event is RequestEvent =>
  event.kind === 'token' || event.kind === 'done' || event.kind === 'error';

interface Options {
  readonly Owner?: typeof UnsharedRows | typeof SharedPrefixes;
  readonly limits?: Partial<EngineLimits>;
  /** Features that are kept. */
  readonly imageCacheBytes?: number;
  /** Of a part of an image's encoding. */
  readonly partMs?: number;
  /** Told of each step before it is computed. */
  readonly onStep?: (rows: readonly StepRow[]) => void;
}

function start({
  Owner = UnsharedRows,
  limits = {},
  imageCacheBytes = 1 << 20,
  partMs = PART_MS,
  onStep,
}: Options = {}) {
  const model = createEchoModel({ ...LIMITS, ...limits });
  const { engine, encoder } = model;
  const kv = new Owner(engine.limits, engine);
  let clockMs = 0;
  const events: RequestEvent[] = [];
  const beats: (ReaderCounts & { readonly stepCount: number })[] = [];
  const defects: unknown[] = [];
  const watched: LanguageEngine = {
    limits: engine.limits,
    cellBytes: 16,
    begin: (slot, sampling, constraint) => engine.begin(slot, sampling, constraint),
    end: (slot) => engine.end(slot),
    suspend: (slot) => engine.suspend(slot),
    resume: (...suspended) => engine.resume(...suspended),
    share: (...cells) => engine.share(...cells),
    forget: (...cells) => engine.forget(...cells),
    close: () => engine.close(),
    step: async (rows, adapter) => {
      kv.checkIntegrity();
      onStep?.(rows);
      // As an engine does. It throws where the features have been freed, although a row needs them.
      for (const { source } of rows) if (source.kind === 'features') source.features.row(source.row);
      const sampled = await engine.step(rows, adapter);
      // A machine that takes a millisecond for each row.
      clockMs += rows.length;
      const { heldCells, cachedCells } = kv.counts;
      expect(engine.usedCells).toBeLessThanOrEqual(heldCells + cachedCells);
      return sampled;
    },
  };
  const loop = new ReaderLoop({
    engine: watched,
    kv,
    images: new ImageStore(
      slow(encoder, (parts) => (clockMs += parts * partMs)),
      imageCacheBytes,
    ),
    sequences: new SequenceFactory({
      ...model,
      template: serveTemplate(null, model.description).template,
      contextTokens: engine.limits.contextTokens,
      rowNumbers: new RowNumbers(engine.limits.cells),
    }),
    send: (event) => {
      if (isRequestEvent(event)) events.push(event);
      if (event.kind === 'heartbeat') beats.push({ ...event.counts, stepCount: event.steps });
    },
    onDefect: (error) => defects.push(error),
    stepTargetMs: 16,
    prefillChunkRows: engine.limits.maxRows,
    clock: () => clockMs,
  });
  /** When everything has ended: what is left in the cache. */
  const idle = async (): Promise<void> => {
    await loop.idle();
    kv.checkIntegrity();
    const { heldCells, cachedCells } = kv.counts;
    if (defects.length === 0) expect([heldCells, engine.usedCells]).toEqual([0, cachedCells]);
  };
  return { loop, idle, kv, engine, encoder, events, beats, defects };
}

/** What a part of an encoding takes on the machine of these tests. */
const PART_MS = 100;

/** `pass`: how many parts are computed. */
const slow = (encoder: ImageEncoder, pass: (parts: number) => void): ImageEncoder => ({
  canReduce: encoder.canReduce,
  start: (image, keptRows) => {
    const encoding = encoder.start(image, keptRows);
    return {
      partCount: encoding.partCount,
      advance: (maxParts) => {
        pass(maxParts);
        return encoding.advance(maxParts);
      },
    };
  },
  close: () => encoder.close(),
});

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
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  constraint: null,
  sampling: GREEDY,
  ...more,
});

/** Of an encoding by the echo encoder. */
const PARTS = 2;
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

  it('tells at the end of each prompt what its time went into, without the time that it waited', async () => {
    const { loop, idle, events } = start({ limits: { maxSequences: 1 } });
    loop.accept(request('a', ['12345678']));
    loop.accept(about(imageOf('x'), 'b', ['?']));
    await idle();
    const [text, image] = terminals(events);
    // Eight prompt rows in one step; then each token but the last is the row of a step.
    expect(text).toMatchObject({ requestId: 'a', times: { visionMs: 0, prefillMs: 8, decodeMs: 8 } });
    const [rows, question] = [64, 2];
    expect(image).toMatchObject({
      requestId: 'b',
      usage: { imageTokens: rows },
      times: { visionMs: PARTS * PART_MS, prefillMs: rows + question, decodeMs: 2 },
    });
  });

  it('counts its steps, slices, tokens, images and cells for the heartbeat', async () => {
    const { loop, idle, beats } = start({ Owner: SharedPrefixes, limits: { maxSequences: 1 } });
    loop.accept(about(imageOf('x'), 'a', ['1', '22']));
    loop.sendHeartbeat();
    await idle();
    loop.sendHeartbeat();
    const [before, after] = beats;
    expect(before).toMatchObject({
      prompts: { running: 0, waiting: 2 },
      kv: { requiredCells: 98, heldCells: 0 },
      stepCount: 0,
    });
    const rowCounts = after?.steps.rows.counts ?? [];
    expect(after).toMatchObject({
      stepCount:
        rowCounts.reduce((sum, count) => sum + count, 0) +
        (after?.visionSlicesMs.counts ?? []).reduce((sum, count) => sum + count, 0),
      prompts: { running: 0, waiting: 0 },
      steps: {
        rows: { sum: 66 + 2 + 2 + 3 },
        ms: { sum: 66 + 2 + 2 + 3 },
        decoding: 2 + 3,
        lastDecodeRows: 1,
      },
      visionSlicesMs: { sum: PARTS * PART_MS },
      kv: { cells: 512, cellBytes: 16, heldCells: 0, requiredCells: 0, hits: 1, misses: 1 },
      features: { hits: 0, misses: 1, joined: 0 },
    });
  });

  it('encodes no image of one prompt while the features of another are there', async () => {
    const rows: number[] = [];
    const { loop, idle, encoder } = start({ onStep: () => rows.push(encoder.ranParts) });
    loop.accept(about(imageOf('known'), 'first', ['?']));
    await idle();
    rows.length = 0;
    loop.accept(about(imageOf('new'), 'slow', ['?']));
    loop.accept(about(imageOf('known'), 'quick', ['?']));
    await idle();
    // Its image rows are computed beside the first part of the other image, not behind the last one.
    expect(rows[0]).toBe(PARTS + 1);
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
    expect(encoder.ranParts).toBe(PARTS);
    expect(terminals(events)).toMatchObject([
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
      { kind: 'done', usage: { promptTokens: 68, imageTokens: 64 } },
    ]);
  });

  it('says so once when the engine fails, and neither ends prompts nor goes on', async () => {
    let steps = 0;
    const { loop, idle, events, defects } = start({
      limits: { maxSequences: 1 },
      onStep: () => {
        steps += 1;
        throw new TypeError('broken engine');
      },
    });
    loop.accept(request('a', ['x', 'y']));
    await idle();
    loop.accept(request('b', ['z']));
    await idle();
    expect(events).toEqual([]);
    expect(defects).toMatchObject([{ message: 'broken engine' }]);
    expect(steps).toBe(1);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'begins a prompt that comes %i promises after its last work',
    async (promises) => {
      const { loop, idle, events } = start();
      await loop.betweenSteps(() => Promise.resolve());
      for (let i = 0; i < promises; i += 1) await Promise.resolve();
      loop.accept(request('a', ['abc']));
      await idle();
      expect(terminals(events)).toMatchObject([{ requestId: 'a', finishReason: 'stop' }]);
    },
  );

  it.each([
    { partMs: 12, most: 1, says: 'one part of an image, where two would take too long' },
    { partMs: 7, most: 2, says: 'two parts of an image, where they fit' },
  ])('encodes between two steps of a running stream $says', async ({ partMs, most }) => {
    const totals: number[] = [];
    const { loop, idle, encoder } = start({ partMs, onStep: () => totals.push(encoder.ranParts) });
    loop.accept(long('stream', ['abc'], 40));
    loop.accept(about(imageOf('one'), 'a', ['x']));
    loop.accept(about(imageOf('two'), 'b', ['y']));
    await idle();
    const added = totals.map((total, step) => total - (totals[step - 1] ?? 0));
    expect(Math.max(...added)).toBe(most);
    expect(totals.at(-1)).toBe(2 * PARTS);
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
    expect(encoder.ranParts).toBe(4 * PARTS);
  });

  it('keeps the features of an image until its rows are computed, whatever else has to be kept', async () => {
    const { loop, idle, events, encoder, defects } = start({
      imageCacheBytes: 0,
      limits: { maxRows: 16, maxSequences: 4 },
    });
    for (const name of ['one', 'two', 'three']) loop.accept(about(imageOf(name), name, ['x']));
    await idle();
    expect(defects).toEqual([]);
    expect(terminals(events)).toHaveLength(3);
    expect(encoder.ranParts).toBe(3 * PARTS);
  });

  it('frees the cells of a cancelled sequence for the one that waits for them', async () => {
    let steps = 0;
    const { loop, idle, events } = start({
      limits: { cells: 256, maxSequences: 4 },
      onStep: (rows) => {
        steps += 1;
        if (steps === 5) loop.cancel('first');
        expect(new Set(rows.map(({ slot }) => slot)).size).toBe(1);
      },
    });
    loop.accept(long('first', ['a'.repeat(120)], 100));
    loop.accept(long('second', ['d'.repeat(120)], 100));
    await idle();
    expect(terminals(events)).toMatchObject([
      { requestId: 'first', finishReason: 'cancelled' },
      { requestId: 'second', finishReason: 'length' },
    ]);
  });

  it('starts a long prompt before the short ones that came after it, however many fit beside others', async () => {
    const { loop, idle, events } = start({ limits: { cells: 256, maxSequences: 4 } });
    loop.accept(long('first', ['a'.repeat(100)], 60));
    loop.accept(long('large', ['x'.repeat(150)], 50));
    for (let n = 0; n < 10; n += 1) loop.accept(long(`small ${n}`, ['y'], 20));
    await idle();
    const starts = [...new Set(events.map(({ requestId }) => requestId))];
    expect(starts.slice(0, 2)).toEqual(['first', 'large']);
    expect(starts).toHaveLength(12);
  });

  it('serves a single prompt before the rest of a list that came first', async () => {
    const { loop, idle, events } = start({ limits: { maxSequences: 2 } });
    loop.accept(
      request(
        'list',
        Array.from({ length: 20 }, (_, n) => `${n} of the list`),
      ),
    );
    loop.accept(request('single', ['me']));
    await idle();
    const order = terminals(events).map(({ requestId }) => requestId);
    expect(order.indexOf('single')).toBeLessThanOrEqual(2);
  });

  it('serves a single prompt before the rest of a list that has all places', async () => {
    const { loop, idle, events } = start({ limits: { maxSequences: 2 }, onStep: () => acceptSingle() });
    let isAccepted = false;
    const acceptSingle = () => {
      if (isAccepted) return;
      isAccepted = true;
      loop.accept(request('single', ['me']));
    };
    loop.accept(request('list', ['1', '2'.repeat(30), '3', '4', '5', '6']));
    await idle();
    expect(
      terminals(events)
        .map(({ requestId }) => requestId)
        .indexOf('single'),
    ).toBe(1);
  });

  it('runs no more sequences than it was limited to, and as many as before when the limit is gone', async () => {
    let most = 0;
    const { loop, idle, events } = start({
      onStep: (rows) => (most = Math.max(most, new Set(rows.map(({ slot }) => slot)).size)),
    });
    for (const [limit, id] of [
      [1, 'limited'],
      [4, 'free'],
    ] as const) {
      most = 0;
      loop.limitRunning(limit);
      loop.accept(request(id, ['one', 'two', 'three', 'four']));
      await idle();
      expect(most).toBe(limit);
    }
    expect(terminals(events)).toHaveLength(8);
  });

  it.each([UnsharedRows, SharedPrefixes])(
    'ends each of 300 random prompts once with %o, cancelled ones too, and leaves nothing running',
    async (Owner) => {
      let state = 99;
      const random = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      const { loop, idle, events, defects } = start({
        Owner,
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
    },
  );
});

describe('ReaderLoop with shared prefixes', () => {
  const usageOf = (events: readonly RequestEvent[], requestId: string) =>
    events.find((event) => event.kind === 'done' && event.requestId === requestId);

  it('computes of a second question about an image its text only, and does not need the image', async () => {
    const computed: number[] = [];
    const { loop, idle, events, encoder } = start({
      Owner: SharedPrefixes,
      imageCacheBytes: 0,
      onStep: (rows) => computed.push(rows.length),
    });
    loop.accept(about(imageOf('one'), 'first', ['what is it?']));
    await idle();
    loop.accept(about(imageOf('two'), 'between', ['and that?']));
    await idle();
    const parts = encoder.ranParts;
    computed.length = 0;
    loop.accept(about(imageOf('one'), 'second', ['where is it?']));
    await idle();
    expect(encoder.ranParts).toBe(parts);
    expect(computed[0]).toBe('ere is it?'.length);
    expect(textOf(events, 'second')).toBe('\nwhere is it?');
    expect(usageOf(events, 'second')).toMatchObject({
      usage: { imageTokens: 64, cachedTokens: 64 + '\nwh'.length },
    });
  });

  it('computes of the same question again one row', async () => {
    const computed: number[] = [];
    const { loop, idle, events } = start({
      Owner: SharedPrefixes,
      onStep: (rows) => computed.push(rows.length),
    });
    for (const id of ['first', 'second']) {
      computed.length = 0;
      loop.accept(about(imageOf('one'), id, ['what is it?']));
      await idle();
      expect(textOf(events, id)).toBe('\nwhat is it?');
    }
    expect(Math.max(...computed)).toBe(1);
  });

  it('shares with a sequence that runs, and lets requests that start together compute common rows once', async () => {
    let imageRows = 0;
    const { loop, idle, events } = start({
      Owner: SharedPrefixes,
      onStep: (rows) => {
        imageRows += rows.filter(({ source }) => source.kind === 'features').length;
      },
    });
    loop.accept(about(imageOf('one'), 'a', ['x', 'y']));
    loop.accept(about(imageOf('one'), 'b', ['z', 'x']));
    await idle();
    expect(imageRows).toBe(64);
    expect([0, 1].map((prompt) => textOf(events, 'a', prompt) + textOf(events, 'b', prompt))).toEqual([
      '\nx\nz',
      '\ny\nx',
    ]);
  });

  it('lets a text prompt go on while a request with the same beginning waits for its image', async () => {
    const firsts: string[] = [];
    const { loop, idle, events } = start({ Owner: SharedPrefixes });
    const image = about(imageOf('one'), 'image', ['x']);
    const parts = [
      { kind: 'text', text: 'system text ' },
      { kind: 'image', image: 0 },
    ] as const;
    loop.accept({ ...image, prompts: [{ kind: 'raw', parts }] });
    loop.accept(request('text', ['system text only']));
    await idle();
    for (const { requestId } of events) if (!firsts.includes(requestId)) firsts.push(requestId);
    expect(firsts).toEqual(['text', 'image']);
  });

  it('shares nothing between requests of different salts, features of images included', async () => {
    const { loop, idle, events, encoder } = start({ Owner: SharedPrefixes });
    for (const [id, cacheSalt] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', null],
      ['d', 'one'],
    ] as const) {
      loop.accept({ ...about(imageOf('image'), id, ['what?']), cacheSalt });
      await idle();
    }
    expect(encoder.ranParts).toBe(3 * PARTS);
    const cached = ['a', 'b', 'c', 'd'].map((id) => {
      const event = usageOf(events, id);
      return event?.kind === 'done' && event.usage.cachedTokens > 0;
    });
    expect(cached).toEqual([false, false, false, true]);
  });

  it('goes on with the rows of a request that was cancelled while another waited for them', async () => {
    let steps = 0;
    const { loop, idle, events } = start({
      Owner: SharedPrefixes,
      limits: { maxRows: 16 },
      onStep: () => {
        steps += 1;
        if (steps === 2) loop.cancel('first');
      },
    });
    const text = 'a beginning that both have, and it is long enough for several steps';
    loop.accept(request('first', [text]));
    loop.accept(request('second', [`${text}!`]));
    await idle();
    expect(textOf(events, 'second')).toBe(`${text}!`);
    expect(usageOf(events, 'second')).toMatchObject({ usage: { cachedTokens: 32 } });
  });
});

describe.each([UnsharedRows, SharedPrefixes])('ReaderLoop with %o when cells run out', (Owner) => {
  /** Two answers that fit alone and not together. */
  const texts = ['abcdefghij'.repeat(8), 'klmnopqrst'.repeat(8)];
  const limits = { cells: 256, maxSequences: 2 };

  it('puts the younger answer back and goes on with it later, and sends nothing twice', async () => {
    const engineSteps: number[] = [];
    const { loop, idle, events } = start({ Owner, limits, onStep: (rows) => engineSteps.push(rows.length) });
    loop.accept(long('older', [texts[0] ?? ''], 120));
    loop.accept(long('younger', [texts[1] ?? ''], 120));
    await idle();
    expect(terminals(events).map(({ requestId }) => requestId)).toEqual(['older', 'younger']);
    expect(textOf(events, 'older')).toBe('abcdefghij'.repeat(12));
    expect(textOf(events, 'younger')).toBe('klmnopqrst'.repeat(12));
    const first = events.findIndex(({ requestId }) => requestId === 'younger');
    const older = events.findIndex((event) => event.kind === 'done');
    expect(first).toBeLessThan(older);
    expect(terminals(events)[1]).toMatchObject({
      usage: { promptTokens: 80, cachedTokens: 0, generatedTokens: 120 },
    });
  });

  it('cancels an answer that was put back', async () => {
    let wasPutBack = false;
    const { loop, idle, events } = start({
      Owner,
      limits,
      onStep: (rows) => {
        const hasBegun = textOf(events, 'younger') !== '';
        if (wasPutBack || !hasBegun || rows.length !== 1) return;
        wasPutBack = true;
        loop.cancel('younger');
      },
    });
    loop.accept(long('older', [texts[0] ?? ''], 120));
    loop.accept(long('younger', [texts[1] ?? ''], 120));
    await idle();
    expect(wasPutBack).toBe(true);
    expect(terminals(events)).toMatchObject([
      { requestId: 'younger', finishReason: 'cancelled' },
      { requestId: 'older', finishReason: 'length' },
    ]);
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
