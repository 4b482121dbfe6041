import { describe, expect, it } from 'vitest';
import { cleanWords, errorOfStatus, wordsIn } from './cluster-words.js';

describe('the words of a cluster', () => {
  it.each([
    [{ error: { message: 'Too long.', type: 'BadRequestError' } }, 'Too long.'],
    [{ error: 'Too long.', error_type: 'validation' }, 'Too long.'],
    [{ object: 'error', message: 'Too long.', code: 400 }, 'Too long.'],
    [{ detail: [{ msg: 'Too long.' }] }, '[{"msg":"Too long."}]'],
    [{ choices: [] }, undefined],
    ['Too long.', undefined],
  ])('%j: %j', (json, words) => {
    expect(wordsIn(json)).toBe(words);
  });

  it('are one line of bounded length without the key, wherever a server repeats it', () => {
    expect(cleanWords('Bad key sk-1:\n\u001b[31m sk-1\u2028', 'sk-1')).toBe('Bad key …: [31m …');
    expect(cleanWords('x'.repeat(5_000), null)).toHaveLength(1_001);
    expect(cleanWords('No room. Come later.', null)).toBe('No room. Come later');
  });

  it.each([
    [302, 'cluster.misconfigured'],
    [400, 'cluster.refused'],
    [401, 'cluster.misconfigured'],
    [403, 'cluster.misconfigured'],
    [404, 'cluster.misconfigured'],
    [408, 'cluster.broken'],
    [413, 'cluster.refused'],
    [422, 'cluster.refused'],
    [500, 'cluster.broken'],
    [502, 'cluster.broken'],
    [0, 'cluster.broken'],
  ])('come with status %i as %s', (status, code) => {
    const error = errorOfStatus(status, 'Why.');
    expect(error.code).toBe(code);
    expect(error.message).toContain(String(status));
  });
});
