// What a sequence may ask of the sampler, on a golden model: log probabilities are the softmax of the engine's logits, a seed
// repeats its draws, bias, penalties and least probabilities change which token is selected.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SamplingParameters } from '../../server/src/link/requests/messages.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';
import { toSlot, toTokenId } from '../../server/src/reader/ids.js';
import type { SampledToken } from '../../server/src/reader/engine/engine.js';
import { GOLDENS, loadExact, readExpectations, type ConvertedModel } from '../parity/golden-case.js';

const GOLDEN = 'v15-llama-pad';
const SLOT = toSlot(0);
const WILD: SamplingParameters = { ...GREEDY, topK: 2 ** 31 - 1, temperature: 2 };
const run = readExpectations(GOLDEN).runs.find(({ images }) => images.length === 0)!;

let model: ConvertedModel;
beforeAll(async () => {
  model = await loadExact(path.join(GOLDENS, GOLDEN, 'checkpoint'));
}, 120_000);
afterAll(() => model.close());

/** Tokens that follow the prompt of the golden run; `onStep` is told each of them while its logits can be read. */
async function generate(
  sampling: Partial<SamplingParameters>,
  count: number,
  onStep: (sampled: SampledToken, logits: Float32Array) => void = () => undefined,
): Promise<SampledToken[]> {
  const { engine, decoder } = model;
  engine.begin(SLOT, { ...GREEDY, ...sampling });
  let next = run.inputIds.map(toTokenId);
  const sampled: SampledToken[] = [];
  for (let position = 0; sampled.length < count; position += next.length, next = [sampled.at(-1)!.token]) {
    const rows = next.map((token, index) => ({
      slot: SLOT,
      position: position + index,
      source: { kind: 'token' as const, token },
      samples: index === next.length - 1,
    }));
    const [one] = await engine.step(rows);
    onStep(one!, decoder.logits(next.length - 1));
    sampled.push(one!);
  }
  engine.end(SLOT);
  engine.forget(SLOT, 0, run.inputIds.length + count);
  return sampled;
}
const tokensOf = async (sampling: Partial<SamplingParameters>, count = 12): Promise<number[]> =>
  (await generate(sampling, count)).map(({ token }) => token);

describe('log probabilities', () => {
  it('of a golden are the softmax of its logits, best first, the selected token among them', async () => {
    const { tokenCount } = model.description.tokenizer;
    let steps = 0;
    await generate({ topLogprobs: 5 }, 8, ({ token, logprobs }, logits) => {
      const known = logits.subarray(0, tokenCount);
      const sum = known.reduce((total, logit) => total + Math.exp(logit), 0);
      const expected = (id: number) => Math.log(Math.exp(known[id]!) / sum);
      expect(logprobs!.logprob).toBeCloseTo(expected(token), 4);
      expect(logprobs!.top[0]).toEqual({ token, logprob: logprobs!.logprob });
      for (const one of logprobs!.top) expect(one.logprob).toBeCloseTo(expected(one.token), 4);
      steps += 1;
    });
    expect(steps).toBe(8);
  });

  it('are those of the model, whatever bias and temperature the token is drawn with', async () => {
    const [plain] = await generate({ topLogprobs: 1 }, 1);
    const bias = [{ token: plain!.token, bias: -100 }];
    const [biased] = await generate({ topLogprobs: 1, logitBias: bias, temperature: 0.1 }, 1);
    expect(biased!.token).not.toBe(plain!.token);
    expect(biased!.logprobs!.top).toEqual(plain!.logprobs!.top);
    expect(biased!.logprobs!.logprob).toBeLessThan(plain!.logprobs!.logprob);
  });

  it('are not told unless they are asked for', async () => {
    expect((await generate({}, 1))[0]!.logprobs).toBeNull();
  });
});

describe('sampling', () => {
  it.each([0, 1, 2 ** 32 - 1])('with the seed %i draws the same tokens twice', async (seed) => {
    expect(await tokensOf({ ...WILD, seed })).toEqual(await tokensOf({ ...WILD, seed }));
  });

  it('with another seed draws others', async () => {
    expect(await tokensOf({ ...WILD, seed: 1 })).not.toEqual(await tokensOf({ ...WILD, seed: 2 }));
  });

  it('with min_p 1 keeps the likeliest token only', async () => {
    expect(await tokensOf({ ...WILD, minP: 1, seed: 3 })).toEqual(await tokensOf({}));
  });

  it('with a large bias selects the token of it', async () => {
    const logitBias = [{ token: 77, bias: 100 }];
    expect(await tokensOf({ logitBias }, 3)).toEqual([77, 77, 77]);
  });

  it.each(['frequencyPenalty', 'presencePenalty'] as const)(
    'with %s leaves a token that it would repeat',
    async (penalty) => {
      // The bias alone would select token 77 for ever.
      const logitBias = [{ token: 77, bias: 50 }];
      const [first, second] = await tokensOf({ logitBias, [penalty]: 100 }, 2);
      expect(first).toBe(77);
      expect(second).not.toBe(77);
    },
  );
});
