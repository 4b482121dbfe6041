// Decodes and samples on the inference thread with the demo model: the JavaScript thread stays free meanwhile, and banned tokens
// are never sampled.
import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Defect } from '../../server/src/errors.js';
import { Sampler } from '../../server/src/native/sampler.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';
import { loadExact, type ConvertedModel } from '../parity/golden-case.js';

const DEMO = fileURLToPath(new URL('../../models/demo/checkpoint', import.meta.url));
const ROWS = 500;
const NOTHING_BANNED = { from: 2 ** 31, tokens: [] };

let model: ConvertedModel;
beforeAll(async () => {
  model = await loadExact(DEMO);
}, 120_000);
afterAll(() => model.close());

const greedy = (): Sampler => new Sampler(model.model, { ...GREEDY, seed: 1, contextTokens: 100 });

/** Fills a batch with rows of one sequence; only the last row can be sampled from. */
function fill(rows: number): void {
  const { decoder, embeddings } = model;
  decoder.forget(0);
  decoder.begin();
  for (let row = 0; row < rows; row += 1)
    embeddings.read(3 + (row % 500), decoder.addRow(0, row, row === rows - 1));
}

it('the inference thread leaves the JavaScript thread free while it decodes and samples', async () => {
  fill(ROWS);
  const sampler = greedy();
  const done = new AbortController();
  const outcome = model.decoder
    .decode([{ row: ROWS - 1, sampler, banned: NOTHING_BANNED, topLogprobs: null }])
    .finally(() => done.abort());
  let turns = 0;
  for (; !done.signal.aborted; turns += 1) await nextTurn();
  sampler.close();
  expect(await outcome).toMatchObject({ kind: 'done', sampled: [{ logprobs: null }] });
  expect(turns).toBeGreaterThan(20);
});

it('the inference thread refuses a second job while one runs, as a Defect, and finishes the first', async () => {
  fill(ROWS);
  const first = model.decoder.decode();
  expect(() => model.model.runtime.inference.run({ kind: 'graph', backend: 0n, graph: 0n })).toThrow(Defect);
  expect(await first).toEqual({ kind: 'done', sampled: [] });
});

it('Decoder.decode samples the likeliest token of a row that is not banned', async () => {
  const sampler = greedy();
  const sampleOnce = async (banned: { from: number; tokens: number[] }): Promise<number> => {
    fill(20);
    const outcome = await model.decoder.decode([{ row: 19, sampler, banned, topLogprobs: null }]);
    if (outcome.kind !== 'done') throw new TypeError('no cells');
    return outcome.sampled[0]!.token;
  };
  const best = await sampleOnce(NOTHING_BANNED);
  const logits = [...model.decoder.logits(19)];
  expect(logits[best]).toBe(Math.max(...logits));
  const second = await sampleOnce({ from: 2 ** 31, tokens: [best] });
  expect(second).not.toBe(best);
  expect(await sampleOnce({ from: best, tokens: [] })).toBeLessThan(best);
  sampler.close();
});
