import { describe, expect, it } from 'vitest';
import { Random } from '../../../../harness/random.js';
import { LogSoftmax } from './log-softmax.js';

describe('LogSoftmax', () => {
  it('tells probabilities that sum to one, and the largest of them in order', () => {
    const random = new Random(7);
    const logits = Float32Array.from({ length: 500 }, () => random.below(20_000) / 1000 - 10);
    const probabilities = Array.from(logits, (_, token) =>
      Math.exp(new LogSoftmax(logits, 0).tell(token).logprob),
    );
    expect(probabilities.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6);
    const { top } = new LogSoftmax(logits, 20).tell(0);
    const sorted = probabilities.toSorted((a, b) => b - a).slice(0, 20);
    expect(top.map(({ logprob }) => Math.exp(logprob))).toEqual(sorted);
    expect(top.map(({ token }) => Math.exp(new LogSoftmax(logits, 0).tell(token).logprob))).toEqual(sorted);
  });

  it('tells of logits as they were when it was made', () => {
    const logits = Float32Array.of(0, 0, 5);
    const softmax = new LogSoftmax(logits, 1);
    logits[2] = -Infinity;
    const { logprob, top } = softmax.tell(0);
    expect(logprob).toBeCloseTo(-Math.log(2 + Math.exp(5)), 6);
    expect(top.map(({ token }) => token)).toEqual([2]);
  });

  it('does not overflow, and has a number for what is impossible', () => {
    expect(new LogSoftmax(Float32Array.of(3e38, 0), 1).tell(0).logprob).toBe(0);
    expect(new LogSoftmax(Float32Array.of(0, -Infinity), 2).tell(1)).toEqual({
      logprob: -9999,
      top: [
        { token: 0, logprob: 0 },
        { token: 1, logprob: -9999 },
      ],
    });
    expect(new LogSoftmax(Float32Array.of(NaN), 0).tell(0).logprob).toBe(-9999);
  });

  it('has no more alternatives than there are tokens', () => {
    expect(new LogSoftmax(Float32Array.of(0, 1), 20).tell(0).top.map(({ token }) => token)).toEqual([1, 0]);
  });
});
