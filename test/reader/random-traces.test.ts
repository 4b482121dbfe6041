// The loop over random short traces: few cells, few slots, prompts that begin alike, images, lists, cancellations at any step. Whatever
// happens, every prompt ends once with the text that it would have had alone, and the books add up before every step and at the end.
import { describe, expect, it } from 'vitest';
import type { FromReader } from '../../server/src/link/messages.js';
import type { GenerateMessage, PromptPart, RequestEvent } from '../../server/src/link/requests/messages.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';
import { SharedPrefixes } from '../../server/src/reader/kv/shared-prefixes.js';
import { RowNumbers } from '../../server/src/reader/kv/row-key.js';
import { UnsharedRows } from '../../server/src/reader/kv/unshared-rows.js';
import { createEchoModel } from '../../server/src/reader/load/echo-model.js';
import { serveTemplate } from '../../server/src/reader/load/served-template.js';
import { ReaderLoop } from '../../server/src/reader/loop.js';
import { SequenceFactory } from '../../server/src/reader/sequence-factory.js';
import { ImageStore } from '../../server/src/reader/vision/image-store.js';
import { isLongForm } from '../../harness/long-form.js';

/** All of them with `npm run test:traces`, which takes a minute or two. */
const TRACES = isLongForm('test:traces') ? 10_000 : 1_000;
const CONTEXT = 96;

type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const isRequestEvent = (event: FromReader): event is RequestEvent =>
  event.kind === 'token' || event.kind === 'done' || event.kind === 'error';

function randomMessage(random: Random, requestId: string): GenerateMessage {
  const hasImage = random(5) === 0;
  const prompts = Array.from({ length: 1 + random(3) }, (): GenerateMessage['prompts'][number] => {
    const text = 'begins alike'.slice(0, 1 + random(12)) + 'xyz'.slice(random(3));
    const parts: PromptPart[] = [{ kind: 'text', text }];
    if (hasImage) parts.unshift({ kind: 'image', image: 0 });
    return { kind: 'raw', parts };
  });
  const image = { widthPx: 10, heightPx: 10, sidePx: 112, tiles: new Uint8Array(), sha256: `${random(2)}` };
  const tokens = 1 + random(random(2) === 0 ? 4 : 80);
  return {
    kind: 'generate',
    requestId,
    prompts,
    images: hasImage ? [image] : [],
    promptMaxTokens: null,
    imageTokenBudget: null,
    cacheSalt: random(4) === 0 ? 'salt' : null,
    loraId: random(4) === 0 ? 'style' : null,
    sampling: { ...GREEDY, minNewTokens: tokens, maxNewTokens: tokens },
    constraint: null,
  };
}

/** Of the 10 × 10 image that the traces have. */
const IMAGE_ROWS = 64;

/** What the echo engine says to a prompt alone, which may be cut by the end of the context. */
function expectedText({ prompts, images, sampling }: GenerateMessage, prompt: number): string {
  const text = (prompts[prompt]?.kind === 'raw' ? prompts[prompt].parts : [])
    .map((part) => (part.kind === 'text' ? part.text : '\n'))
    .join('');
  const length = Math.min(sampling.maxNewTokens, CONTEXT - text.length - images.length * IMAGE_ROWS);
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

async function runTrace(Owner: typeof UnsharedRows | typeof SharedPrefixes, seed: number): Promise<boolean> {
  const random = randomFrom(seed * 2654435761);
  const cells = CONTEXT + random(40);
  const maxSequences = 1 + random(4);
  const slots = maxSequences + random(4);
  const limits = { contextTokens: CONTEXT, cells, maxSequences, slots, maxRows: 24, rowGroup: 3 };
  const { engine, ...model } = createEchoModel(limits);
  const kv = new Owner(engine.limits, engine);
  const events: RequestEvent[] = [];
  const defects: unknown[] = [];
  const messages = Array.from({ length: 1 + random(5) }, (_, n) => randomMessage(random, `r${n}`));
  const later = messages.slice(1 + random(2));
  const cancelled = new Set<string>();
  let hasPutBack = false;
  const suspend = engine.suspend.bind(engine);
  engine.suspend = (slot) => {
    hasPutBack = true;
    return suspend(slot);
  };
  const step = engine.step.bind(engine);
  engine.step = (rows, adapter) => {
    kv.checkIntegrity();
    const { heldCells, cachedCells } = kv.counts;
    if (engine.usedCells > heldCells + cachedCells) throw new RangeError('more cells are used than booked');
    if (rows.length > 24) throw new RangeError('the step has too many rows');
    const next = random(4) === 0 ? later.shift() : undefined;
    if (next !== undefined) loop.accept(next);
    if (random(12) === 0) {
      const id = `r${random(messages.length)}`;
      cancelled.add(id);
      loop.cancel(id);
    }
    return step(rows, adapter);
  };
  const loop = new ReaderLoop({
    engine,
    kv,
    images: new ImageStore(model.encoder, random(2) * 512),
    sequences: new SequenceFactory({
      ...model,
      template: serveTemplate(null, model.description).template,
      contextTokens: CONTEXT,
      rowNumbers: new RowNumbers(cells),
    }),
    send: (event) => {
      if (isRequestEvent(event)) events.push(event);
    },
    onDefect: (error) => defects.push(error),
    stepTargetMs: 1,
    prefillChunkRows: 8,
    clock: () => 0,
  });
  for (const message of messages.filter((one) => !later.includes(one))) loop.accept(message);
  await loop.idle();
  for (const message of later.splice(0)) {
    loop.accept(message);
    await loop.idle();
  }
  kv.checkIntegrity();
  expect({ seed, defects }).toEqual({ seed, defects: [] });
  expect([seed, kv.counts.heldCells, engine.usedCells]).toEqual([seed, 0, kv.counts.cachedCells]);
  checkAnswers(seed, messages, events, cancelled);
  return hasPutBack;
}

function checkAnswers(
  seed: number,
  messages: readonly GenerateMessage[],
  events: readonly RequestEvent[],
  cancelled: ReadonlySet<string>,
): void {
  const texts = new Map<string, string>();
  const ends = new Map<string, number>();
  for (const event of events) {
    const key = `${event.requestId} ${event.prompt}`;
    if (event.kind === 'token') texts.set(key, (texts.get(key) ?? '') + event.text);
    else ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  for (const message of messages) {
    message.prompts.forEach((_, prompt) => {
      const key = `${message.requestId} ${prompt}`;
      expect([seed, key, ends.get(key)]).toEqual([seed, key, 1]);
      const text = texts.get(key) ?? '';
      const wanted = expectedText(message, prompt);
      expect([seed, key, text]).toEqual([
        seed,
        key,
        cancelled.has(message.requestId) ? wanted.slice(0, text.length) : wanted,
      ]);
    });
  }
}

describe('ReaderLoop over random traces', () => {
  it.each([UnsharedRows, SharedPrefixes])(
    `with %o ends every prompt of ${TRACES / 2} once, with its own text, and keeps its books`,
    async (Owner) => {
      let putBack = 0;
      for (let seed = 1; seed <= TRACES / 2; seed += 1) if (await runTrace(Owner, seed)) putBack += 1;
      expect(putBack).toBeGreaterThan(TRACES / 100);
    },
    600_000,
  );
});
