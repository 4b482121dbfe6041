import { describe, expect, it } from 'vitest';
import { CharacterTokenizer } from '../../../test/oracles/character-tokenizer.js';
import { Defect } from '../errors.js';
import type { FeatureRows, SampledLogprobs } from './engine/engine.js';
import { toSlot, toTokenId } from './ids.js';
import type { PromptItem } from './prompt/encode.js';
import { OutputText } from './prompt/output-text.js';
import { RowNumbers } from './kv/row-key.js';
import { Sequence, type SequenceImage, type SequenceStart } from './sequence.js';
import { TokenLogprobs } from './token-logprobs.js';
import { GREEDY } from '../link/requests/greedy.js';

const TOKENIZER = new CharacterTokenizer({ addSpacePrefix: false });
const SLOT = toSlot(3);
const token = (id: number): PromptItem => ({ kind: 'token', id: toTokenId(id) });
const image = (index: number): PromptItem => ({ kind: 'image', image: index });
const imageOf = (rows: number): SequenceImage => ({
  rows,
  identity: `image of ${rows} rows`,
  keptRows: null,
  payload: { sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array() },
});
const featuresOf = (rows: number): FeatureRows => ({ rows, row: () => new Float32Array(1) });
/** The image that a sequence waits for, with features for it. */
function suppliedBy({ missingImage }: Sequence): [SequenceImage, FeatureRows] {
  if (missingImage === undefined) throw new TypeError('the sequence waits for no image');
  return [missingImage, featuresOf(missingImage.rows)];
}
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
    cacheSalt: null,
    adapter: null,
    rowNumbers: new RowNumbers(10),
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
    expect(create({ maxNewTokens: 10 }).kvDemand).toEqual({ promptRows: [1, 2, 3], maxRows: 13 });
  });

  it('needs no more cells than there are positions', () => {
    expect(create({ maxNewTokens: 1000, contextTokens: 8 }).kvDemand).toEqual({
      promptRows: [1, 2, 3],
      maxRows: 8,
    });
  });

  it('counts an image as often as the prompt names it, and waits for it once', () => {
    const images = [imageOf(5), imageOf(7)];
    const sequence = create({ items: [image(0), token(1), image(1), image(0)], images });
    expect(sequence.usage).toEqual({
      promptTokens: 18,
      imageTokens: 17,
      cachedTokens: 0,
      generatedTokens: 0,
    });
    for (const shown of images) {
      expect(sequence.missingImage).toBe(shown);
      sequence.supply(shown, featuresOf(shown.rows));
    }
    expect(sequence.missingImage).toBeUndefined();
  });

  it('hands out prompt rows in order, and samples from the last of them only', () => {
    const sequence = create();
    expect(sequence.takeRows(SLOT, 2)).toEqual([
      { slot: SLOT, position: 0, source: { kind: 'token', token: 1 }, samples: false },
      { slot: SLOT, position: 1, source: { kind: 'token', token: 2 }, samples: false },
    ]);
    expect(sequence.rowsReady).toBe(1);
    expect(sequence.takeRows(SLOT, 1)).toEqual([
      { slot: SLOT, position: 2, source: { kind: 'token', token: 3 }, samples: true },
    ]);
    expect(sequence.rowsReady).toBe(0);
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

  it('has the rows before an image ready before the image is', () => {
    const shown = imageOf(2);
    const sequence = create({ items: [token(1), token(2), image(0), token(3)], images: [shown] });
    expect(sequence.rowsReady).toBe(2);
    sequence.takeRows(SLOT, 2);
    expect(sequence.rowsReady).toBe(0);
    sequence.supply(shown, featuresOf(2));
    expect(sequence.rowsReady).toBe(3);
  });

  it('goes on behind rows that are in the cache, and needs no image all of whose rows are', () => {
    const [known, partly] = [imageOf(2), imageOf(3)];
    const sequence = create({ items: [image(0), image(1), token(7)], images: [known, partly] });
    sequence.skipTo(4);
    expect(sequence.missingImage).toBe(partly);
    const features = featuresOf(3);
    sequence.supply(partly, features);
    expect(sequence.takeRows(SLOT, 2)).toEqual([
      { slot: SLOT, position: 4, source: { kind: 'features', features, row: 2 }, samples: false },
      { slot: SLOT, position: 5, source: { kind: 'token', token: 7 }, samples: true },
    ]);
    expect(sequence.usage).toMatchObject({ promptTokens: 6, cachedTokens: 4 });
  });

  it('keeps the features of an image until its last place in the prompt is computed', () => {
    const [twice, once] = [imageOf(2), imageOf(1)];
    const items = [image(0), image(1), token(1), image(0), token(2)];
    const sequence = create({ items, images: [twice, once] });
    for (const shown of [twice, once]) sequence.supply(shown, featuresOf(shown.rows));
    for (let row = 0; row < 7; row += 1) {
      expect(sequence.missingImage).toBeUndefined();
      sequence.takeRows(SLOT, 1);
    }
    expect(sequence.rowsReady).toBe(0);
  });

  it('numbers its rows: tokens by id, images by what they are, the answer behind the prompt', () => {
    const rowNumbers = new RowNumbers(10);
    const items = [token(5), image(0), token(6)];
    const sequence = create({ items, images: [imageOf(2)], rowNumbers });
    const numbers = [5, ...rowNumbers.image('image of 2 rows', 2), 6];
    expect(sequence.kvDemand.promptRows).toEqual(numbers);
    sequence.supply(...suppliedBy(sequence));
    sequence.takeRows(SLOT, 4);
    expect(sequence.rowKeysFrom(1)).toEqual(numbers.slice(1));
    sequence.accept(sampled(A));
    sequence.takeRows(SLOT, 1);
    expect(sequence.rowKeysFrom(4)).toEqual([A]);
    expect(sequence.rowKeysFrom(3)).toEqual([6, A]);
  });

  it('numbers its first row by its salt, if it has one', () => {
    const rowNumbers = new RowNumbers(10);
    const rowsOf = (cacheSalt: string | null) => create({ rowNumbers, cacheSalt }).kvDemand.promptRows;
    expect(rowsOf('a')).toEqual(rowsOf('a'));
    expect(rowsOf('a')[0]).not.toBe(rowsOf('b')[0]);
    expect(rowsOf('a')[0]).not.toBe(rowsOf(null)[0]);
  });

  it('numbers its first row by its adapter, so that no rows are shared between adapters whatever the salt', () => {
    const rowNumbers = new RowNumbers(20);
    const firstOf = (adapter: string | null, cacheSalt: string | null) =>
      create({ rowNumbers, adapter, cacheSalt }).kvDemand.promptRows[0];
    const pairs = [null, 'a', 'b'].flatMap((adapter) =>
      [null, 'a', 'b'].map((salt) => [adapter, salt] as const),
    );
    expect(new Set(pairs.map((of) => firstOf(...of))).size).toBe(pairs.length);
    expect(firstOf('a', 'b')).toBe(firstOf('a', 'b'));
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
    expect(decoding.isDecoding).toBe(false);
    expect(() => decoding.takeRows(SLOT, 1)).toThrow(Defect);
    decoding.accept(sampled(A));
    expect(decoding.isDecoding).toBe(true);
    expect(() => decoding.takeRows(SLOT, 2)).toThrow(Defect);
    expect(() => create({ items: [image(1)], images: [shown] })).toThrow('names image 1 of 1');
    expect(() => create().skipTo(3)).toThrow(Defect);
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
