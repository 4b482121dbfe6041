import { describe, expect, it } from 'vitest';
import { CharacterTokenizer } from '../../../test/oracles/character-tokenizer.js';
import { Defect } from '../errors.js';
import type { FeatureRows, SampledLogprobs } from './engine/engine.js';
import { toSlot, toTokenId } from './ids.js';
import type { PromptItem } from './prompt/encode.js';
import { OutputText } from './prompt/output-text.js';
import { Sequence, type SequenceImage, type SequenceStart } from './sequence.js';
import { TokenLogprobs } from './token-logprobs.js';
import { GREEDY } from '../link/requests/sampling.fixture.js';

const TOKENIZER = new CharacterTokenizer({ addSpacePrefix: false });
const SLOT = toSlot(3);
const token = (id: number): PromptItem => ({ kind: 'token', id: toTokenId(id) });
const image = (index: number): PromptItem => ({ kind: 'image', image: index });
const imageOf = (rows: number): SequenceImage => ({
  rows,
  payload: { sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array() },
});
const featuresOf = (rows: number): FeatureRows => ({ rows, values: new Float32Array(rows) });
const sampled = (id: number, isEnd = false, logprobs: SampledLogprobs | null = null) => ({
  slot: SLOT,
  token: toTokenId(id),
  isEnd,
  logprobs,
});
/** A character of an answer, with its log probability and that of an alternative. */
const ranked = (character: string, logprob: number) => {
  const id = character.codePointAt(0) ?? 0;
  return sampled(id, false, { logprob, top: [{ token: toTokenId(id + 1), logprob: -0.5 }] });
};

interface Given extends Partial<SequenceStart> {
  readonly maxNewTokens?: number;
  readonly stops?: readonly string[];
}

function create({ maxNewTokens = 10, stops = [], ...start }: Given = {}): Sequence {
  return new Sequence({
    requestId: 'r',
    prompt: 0,
    items: [token(1), token(2), token(3)],
    images: [],
    contextTokens: 100,
    sampling: { ...GREEDY, maxNewTokens },
    output: new OutputText(TOKENIZER, stops),
    logprobs: new TokenLogprobs(TOKENIZER),
    ...start,
  });
}
const A = 'a'.codePointAt(0) ?? 0;

describe('the rows of a sequence', () => {
  it('needs cells for its prompt and for every token that it may generate', () => {
    expect(create({ maxNewTokens: 10 }).kvDemand).toEqual({ promptRows: 3, maxRows: 13 });
  });

  it('needs no more cells than there are positions', () => {
    expect(create({ maxNewTokens: 1000, contextTokens: 8 }).kvDemand).toEqual({ promptRows: 3, maxRows: 8 });
  });

  it('counts an image as often as the prompt names it, and waits for it once', () => {
    const images = [imageOf(5), imageOf(7)];
    const sequence = create({ items: [image(0), token(1), image(1), image(0)], images });
    expect(sequence.usage).toEqual({ promptTokens: 18, imageTokens: 17, generatedTokens: 0 });
    expect(sequence.images).toEqual(images);
  });

  it('hands out prompt rows in order, and samples from the last of them only', () => {
    const sequence = create();
    expect(sequence.takeRows(SLOT, 2)).toEqual([
      { slot: SLOT, position: 0, source: { kind: 'token', token: 1 }, samples: false },
      { slot: SLOT, position: 1, source: { kind: 'token', token: 2 }, samples: false },
    ]);
    expect(sequence.promptRowsLeft).toBe(1);
    expect(sequence.takeRows(SLOT, 1)).toEqual([
      { slot: SLOT, position: 2, source: { kind: 'token', token: 3 }, samples: true },
    ]);
    expect(sequence.promptRowsLeft).toBe(0);
  });

  it('puts the features of an image where the prompt names it', () => {
    const shown = imageOf(2);
    const features = featuresOf(2);
    const sequence = create({ items: [token(1), image(0), token(2)], images: [shown] });
    expect(sequence.missingImage).toBe(shown);
    sequence.supply(shown, features);
    expect(sequence.missingImage).toBeUndefined();
    expect(sequence.takeRows(SLOT, 4).map(({ source }) => source)).toEqual([
      { kind: 'token', token: 1 },
      { kind: 'features', features, row: 0 },
      { kind: 'features', features, row: 1 },
      { kind: 'token', token: 2 },
    ]);
  });

  it('adds the last token as one row while it decodes', () => {
    const sequence = create();
    sequence.takeRows(SLOT, 3);
    sequence.accept(sampled(A));
    expect(sequence.takeRows(SLOT, 1)).toEqual([
      { slot: SLOT, position: 3, source: { kind: 'token', token: A }, samples: true },
    ]);
  });

  it('refuses as defects: features of another size, rows before an image is there, two rows while decoding', () => {
    const shown = imageOf(2);
    const sequence = create({ items: [image(0)], images: [shown] });
    expect(() => sequence.takeRows(SLOT, 1)).toThrow(Defect);
    expect(() => sequence.supply(shown, featuresOf(3))).toThrow('counted as 2 rows and encoded as 3');
    const decoding = create();
    decoding.takeRows(SLOT, 3);
    expect(() => decoding.takeRows(SLOT, 1)).toThrow(Defect);
    decoding.accept(sampled(A));
    expect(() => decoding.takeRows(SLOT, 2)).toThrow(Defect);
    expect(() => create({ items: [image(1)], images: [shown] })).toThrow('names image 1 of 1');
  });
});

describe('the answer of a sequence', () => {
  it('goes on until an end token, which has no text and is not counted', () => {
    const sequence = create();
    expect(sequence.accept(sampled(A))).toMatchObject({ text: 'a', finishReason: null });
    expect(sequence.accept(sampled(A, true))).toMatchObject({ text: '', finishReason: 'stop' });
    expect(sequence.usage.generatedTokens).toBe(1);
  });

  it('ends with the reason length at its last allowed token, with the text of that token', () => {
    const sequence = create({ maxNewTokens: 2 });
    expect(sequence.accept(sampled(A))).toMatchObject({ text: 'a', finishReason: null });
    expect(sequence.accept(sampled(A))).toMatchObject({ text: 'a', finishReason: 'length' });
    expect(sequence.usage.generatedTokens).toBe(2);
  });

  it('ends with the reason length when the positions are used up', () => {
    const sequence = create({ maxNewTokens: 50, contextTokens: 4 });
    expect(sequence.accept(sampled(A))).toMatchObject({ text: 'a', finishReason: 'length' });
  });

  it('ends at a stop string, without it', () => {
    const sequence = create({ stops: ['##'] });
    const hash = '#'.codePointAt(0) ?? 0;
    expect(sequence.accept(sampled(A))).toMatchObject({ text: 'a', finishReason: null });
    expect(sequence.accept(sampled(hash))).toMatchObject({ text: '', finishReason: null });
    expect(sequence.accept(sampled(hash))).toMatchObject({ text: '', finishReason: 'stop' });
  });

  it('gives out what it held back when the last allowed token comes', () => {
    const sequence = create({ stops: ['##'], maxNewTokens: 1 });
    expect(sequence.accept(sampled('#'.codePointAt(0) ?? 0))).toMatchObject({
      text: '#',
      finishReason: 'length',
    });
  });
});

describe('the log probabilities of an answer', () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const told = (outcome: { readonly logprobs: readonly { readonly bytes: Uint8Array }[] }) =>
    outcome.logprobs.map(({ bytes }) => new TextDecoder().decode(bytes));

  it('come with the text of their token, alternatives with their bytes', () => {
    expect(create().accept(ranked('a', -0.25))).toEqual({
      text: 'a',
      logprobs: [{ bytes: bytesOf('a'), logprob: -0.25, top: [{ bytes: bytesOf('b'), logprob: -0.5 }] }],
      finishReason: null,
    });
  });

  it('wait with text that may be the beginning of a stop string', () => {
    const sequence = create({ stops: ['##'] });
    expect(told(sequence.accept(ranked('#', -1)))).toEqual([]);
    expect(told(sequence.accept(ranked('x', -1)))).toEqual(['#', 'x']);
  });

  it('leave out the tokens of a stop string', () => {
    const sequence = create({ stops: ['b#'] });
    expect(told(sequence.accept(ranked('a', -1)))).toEqual(['a']);
    expect(told(sequence.accept(ranked('b', -1)))).toEqual([]);
    expect(told(sequence.accept(ranked('#', -1)))).toEqual([]);
    expect(told(create({ stops: ['#'] }).accept(ranked('#', -1)))).toEqual([]);
  });

  it('come with what was held back when the answer ends for another reason', () => {
    const sequence = create({ stops: ['##'] });
    sequence.accept(ranked('#', -1));
    expect(told(sequence.accept(sampled(A, true)))).toEqual(['#']);
  });

  it('are told for every token of a character that several tokens make', () => {
    const halves = new CharacterTokenizer({ addSpacePrefix: false });
    halves.pieceBytes = (id) => bytesOf('é').subarray(id, id + 1);
    const sequence = create({ output: new OutputText(halves, []) });
    const half = (id: number) => sampled(id, false, { logprob: -1 - id, top: [] });
    expect(sequence.accept(half(0))).toMatchObject({ text: '', logprobs: [] });
    expect(sequence.accept(half(1))).toMatchObject({
      text: 'é',
      logprobs: [{ logprob: -1 }, { logprob: -2 }],
    });
  });
});
