import { describe, expect, it } from 'vitest';
import { stageTimes, tokensPerSecond } from './stage-times.js';

const OBSERVED = { askedMs: 100, sentMs: 110, firstTokenMs: 150, endMs: 250 };

describe('stageTimes', () => {
  it('are what the page saw where the server tells none', () =>
    expect(stageTimes({ promptTokens: 3 }, OBSERVED)).toEqual([
      { name: 'sending', ms: 10 },
      { name: 'waiting and reading', ms: 40 },
      { name: 'writing', ms: 100 },
    ]));

  it("are the server's in the order of the stages where it tells them", () => {
    const timings = {
      firstTokenMs: 9,
      totalMs: 21,
      decodeImageMs: 5,
      decodeMs: 4,
      prefillMs: 3,
      visionMs: 2,
      queueMs: 1,
      receiveMs: 0,
    };
    expect(stageTimes({ timings }, OBSERVED)).toEqual([
      { name: 'decoding the image', ms: 5 },
      { name: 'waiting', ms: 1 },
      { name: 'reading the image', ms: 2 },
      { name: 'reading the prompt', ms: 3 },
      { name: 'writing', ms: 4 },
    ]);
  });

  it.each([null, { timings: null }, { timings: 'soon' }, { timings: { queueMs: 'soon' } }])(
    'are what the page saw where %j has none that can be read',
    (metadata) => expect(stageTimes(metadata, OBSERVED)).toHaveLength(3),
  );

  it('of an answer that never began are sending and waiting', () =>
    expect(stageTimes(null, { ...OBSERVED, firstTokenMs: null })).toEqual([
      { name: 'sending', ms: 10 },
      { name: 'waiting and reading', ms: 140 },
    ]));
});

describe('tokensPerSecond', () => {
  it('counts the tokens after the first one, over the time that the server needed for them', () => {
    const seen = { askedMs: 0, sentMs: 10, firstTokenMs: 990, endMs: 1000 };
    expect(tokensPerSecond(11, stageTimes({ timings: { decodeMs: 500 } }, seen))).toBe(20);
    expect(tokensPerSecond(11, stageTimes({}, { ...seen, firstTokenMs: 500 }))).toBe(20);
  });

  it.each([
    [1, [{ name: 'writing', ms: 10 }]],
    [11, [{ name: 'sending', ms: 10 }]],
    [11, []],
  ])('tells nothing of %i tokens and the stages %j', (tokens, stages) =>
    expect(tokensPerSecond(tokens, stages)).toBeNull(),
  );
});
