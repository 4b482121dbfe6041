// The demo model in f32, through the reader's own loop, against its expected.json: prompt ids, answer ids and answers.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FromReader } from '../../server/src/link/messages.js';
import type { Prompt, PromptPart } from '../../server/src/link/requests/messages.js';
import type { LanguageEngine, SampledToken, StepRow } from '../../server/src/reader/engine/engine.js';
import { RowNumbers } from '../../server/src/reader/kv/row-key.js';
import { SharedPrefixes } from '../../server/src/reader/kv/shared-prefixes.js';
import { UnsharedRows } from '../../server/src/reader/kv/unshared-rows.js';
import { serveTemplate } from '../../server/src/reader/load/served-template.js';
import { ReaderLoop } from '../../server/src/reader/loop.js';
import { encodePrompt } from '../../server/src/reader/prompt/encode.js';
import { partsToPieces } from '../../server/src/reader/prompt/raw-prompt.js';
import { SequenceFactory } from '../../server/src/reader/sequence-factory.js';
import { ImageStore } from '../../server/src/reader/vision/image-store.js';
import { loadExact, readImage, type ConvertedModel } from './golden-case.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));

interface DemoAnswer {
  request: { text: string; use_chat_template?: boolean };
  prompt_ids: number[];
  answer: string;
  answer_ids: number[];
}
const expected = JSON.parse(readFileSync(path.join(DEMO, 'expected.json'), 'utf8')) as {
  images: { image: string; image_tokens: number; answers: DemoAnswer[] }[];
};
const cases = expected.images.flatMap(({ image, image_tokens, answers }) =>
  answers.map((answer, index) => ({ id: `${image} ${index}`, image, image_tokens, ...answer })),
);

let model: ConvertedModel;
beforeAll(async () => {
  model = await loadExact(path.join(DEMO, 'checkpoint'));
}, 120_000);
afterAll(() => model.close());

const partsOf = (text: string): PromptPart[] => [
  { kind: 'image', image: 0 },
  { kind: 'text', text },
];

const promptOf = (request: { text: string; use_chat_template?: boolean | undefined }): Prompt => {
  const parts = partsOf(request.text);
  return request.use_chat_template === true
    ? { kind: 'conversation', system: null, turns: [{ role: 'user', parts }] }
    : { kind: 'raw', parts };
};

it.each(cases)(
  'the demo model tokenises the prompt of $id as the reference does',
  ({ request, prompt_ids }) => {
    const parts = partsOf(request.text);
    const pieces = request.use_chat_template
      ? serveTemplate(null, model.description).template.render({
          system: null,
          turns: [{ role: 'user', parts }],
        })
      : partsToPieces(parts, false);
    const { items } = encodePrompt(pieces, model.tokenizer);
    expect(items.map((item) => (item.kind === 'token' ? item.id : -200))).toEqual(prompt_ids);
  },
);

it.each([
  { how: 'without a prefix cache', Owner: UnsharedRows, rounds: 1 },
  { how: 'with a prefix cache, and again from it', Owner: SharedPrefixes, rounds: 2 },
])(
  'the demo model answers every request with the ids and the text of the reference $how',
  async ({ Owner, rounds }) => {
    const { vision } = model.description;
    if (vision === null) throw new TypeError('the demo model takes images');
    const sampled = new Map<number, number[]>();
    const events: FromReader[] = [];
    const kv = new Owner(model.engine.limits, model.engine);
    const loop = new ReaderLoop({
      engine: recording(model.engine, sampled),
      kv,
      images: model.encoder === null ? null : new ImageStore(model.encoder, 1 << 20),
      sequences: new SequenceFactory({
        ...model,
        template: serveTemplate(null, model.description).template,
        contextTokens: model.engine.limits.contextTokens,
        rowNumbers: new RowNumbers(model.engine.limits.cells),
      }),
      send: (event) => events.push(event),
      onDefect: (error) => {
        throw error;
      },
      stepTargetMs: 1,
      prefillChunkRows: 32,
      clock: () => 0,
    });
    const answers = new Map<string, { ids: number[]; text: string }>();
    const asked = Array.from({ length: rounds }, (_, round) =>
      cases.map((one) => ({ ...one, id: `${one.id}, round ${round}` })),
    ).flat();
    for (const { id, image, request } of asked) {
      sampled.clear();
      loop.accept({
        kind: 'generate',
        requestId: id,
        prompts: [promptOf(request)],
        images: [await readImage(path.join(DEMO, image), vision)],
        promptMaxTokens: null,
        imageTokenBudget: null,
        cacheSalt: null,
        loraId: null,
        constraint: null,
        sampling: { ...GREEDY, maxNewTokens: 96, minNewTokens: 1 },
      });
      await loop.idle();
      kv.checkIntegrity();
      const text = events
        .map((event) => (event.kind === 'token' && event.requestId === id ? event.text : ''))
        .join('');
      answers.set(id, { ids: [...sampled.values()].flat(), text });
    }
    for (const { id, answer, answer_ids, image_tokens, prompt_ids } of asked) {
      expect(answers.get(id), id).toEqual({ ids: answer_ids, text: answer });
      expect(events.find((event) => event.kind === 'done' && event.requestId === id)).toMatchObject({
        finishReason: 'stop',
        usage: {
          promptTokens: prompt_ids.length - 1 + image_tokens,
          imageTokens: image_tokens,
          generatedTokens: answer_ids.length,
        },
      });
    }
  },
  120_000,
);

/** The engine; records by slot every sampled token that is not an end. */
function recording(engine: LanguageEngine, sampled: Map<number, number[]>): LanguageEngine {
  return {
    limits: engine.limits,
    cellBytes: engine.cellBytes,
    begin: (slot, sampling) => engine.begin(slot, sampling),
    end: (slot) => engine.end(slot),
    suspend: (slot) => engine.suspend(slot),
    resume: (...suspended) => engine.resume(...suspended),
    share: (...cells) => engine.share(...cells),
    forget: (...cells) => engine.forget(...cells),
    close: () => engine.close(),
    step: async (rows: readonly StepRow[]): Promise<readonly SampledToken[]> => {
      const tokens = await engine.step(rows);
      for (const { slot, token, isEnd } of tokens) {
        if (!isEnd) sampled.set(slot, [...(sampled.get(slot) ?? []), token]);
      }
      return tokens;
    },
  };
}
