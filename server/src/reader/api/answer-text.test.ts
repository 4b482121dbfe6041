import { describe, expect, it } from 'vitest';
import type { TokenLogprob } from '../../link/requests/messages.js';
import { AnswerText } from './answer-text.js';

const token = (text: string): TokenLogprob => ({
  bytes: new TextEncoder().encode(text),
  logprob: -1,
  top: [],
});

describe('the text of an answer of a cluster', () => {
  it('passes on at once what can be no part of a stop string', () => {
    const text = new AnswerText(['END']);
    expect(text.push('Hello E', [])).toEqual({
      pieces: [{ text: 'Hello ', logprobs: [] }],
      isStopped: false,
    });
    expect(text.push('arth', [])).toEqual({ pieces: [{ text: 'Earth', logprobs: [] }], isStopped: false });
  });

  it('ends at a stop string that the cluster shows', () => {
    const text = new AnswerText(['END']);
    expect(text.push('Hello EN', []).isStopped).toBe(false);
    expect(text.push('D and more', [])).toEqual({ pieces: [], isStopped: true });
  });

  it('gives what it held back when no stop string came', () => {
    const text = new AnswerText(['END']);
    text.push('E', []);
    expect(text.finish()).toEqual([{ text: 'E', logprobs: [] }]);
  });

  it('tells the log probabilities of a token with the first of its text', () => {
    const text = new AnswerText(['END']);
    expect(text.push('aE', [token('a'), token('E')]).pieces).toEqual([{ text: 'a', logprobs: [token('a')] }]);
    expect(text.push('N', [token('N')]).pieces).toEqual([]);
    expect(text.push('x', [token('x')]).pieces).toEqual([
      { text: 'ENx', logprobs: [token('E'), token('N'), token('x')] },
    ]);
  });

  it('tells tokens without text at the end', () => {
    const text = new AnswerText([]);
    expect(text.push('', [token('')]).pieces).toEqual([]);
    expect(text.finish()).toEqual([{ text: '', logprobs: [token('')] }]);
  });

  it('cuts long text into pieces that the link carries, and no character in two', () => {
    const long = `x${'😀'.repeat(40_000)}`;
    const { pieces } = new AnswerText([]).push(long, []);
    expect(pieces.map(({ text }) => text).join('')).toBe(long);
    expect(Math.max(...pieces.map(({ text }) => text.length))).toBeLessThanOrEqual(32_768);
    for (const { text } of pieces) expect(Buffer.from(text).toString()).toBe(text);
  });
});
