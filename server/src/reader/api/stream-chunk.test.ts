import { describe, expect, it } from 'vitest';
import { readChunk } from './stream-chunk.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const piece = (fields: object) => ({
  kind: 'piece',
  text: '',
  logprobs: [],
  finishReason: null,
  usage: null,
  ...fields,
});

describe('a chunk of a streamed answer', () => {
  it.each([
    ['a role alone', { choices: [{ delta: { role: 'assistant', content: '' } }] }, {}],
    ['text of a chat', { choices: [{ delta: { content: 'a' } }] }, { text: 'a' }],
    ['text of a completion', { choices: [{ text: 'a', finish_reason: null }] }, { text: 'a' }],
    ['an end', { choices: [{ delta: {}, finish_reason: 'length' }] }, { finishReason: 'length' }],
    ['thoughts, which are no part of the answer', { choices: [{ delta: { reasoning_content: 'hm' } }] }, {}],
    [
      'usage',
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: null } },
      { usage: { promptTokens: 3, generatedTokens: 2, cachedTokens: 0, imageTokens: 0 } },
    ],
    [
      'usage with details',
      {
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 2,
          prompt_tokens_details: { cached_tokens: 4, image_tokens: 5 },
        },
      },
      { usage: { promptTokens: 9, generatedTokens: 2, cachedTokens: 4, imageTokens: 5 } },
    ],
    ['usage without a count', { choices: [], usage: { prompt_tokens: 3 } }, {}],
  ])('is %s', (_, json, expected) => {
    expect(readChunk(json)).toEqual(piece(expected));
  });

  it('has log probabilities in the form of chats', () => {
    const content = [
      { token: 'é', bytes: [0xc3], logprob: -0.5, top_logprobs: [{ token: 'x', logprob: -1, bytes: null }] },
      { token: 'y', logprob: null },
    ];
    expect(readChunk({ choices: [{ delta: { content: 'é' }, logprobs: { content } }] })).toEqual(
      piece({
        text: 'é',
        logprobs: [
          { bytes: Uint8Array.of(0xc3), logprob: -0.5, top: [{ bytes: bytes('x'), logprob: -1 }] },
          { bytes: bytes('y'), logprob: -9999, top: [] },
        ],
      }),
    );
  });

  it('has log probabilities in the form of completions, best first', () => {
    const logprobs = {
      tokens: ['a'],
      token_logprobs: [-2],
      top_logprobs: [{ b: -3, a: -2 }],
      text_offset: [0],
    };
    const top = [
      { bytes: bytes('a'), logprob: -2 },
      { bytes: bytes('b'), logprob: -3 },
    ];
    expect(readChunk({ choices: [{ text: 'a', logprobs }] })).toEqual(
      piece({ text: 'a', logprobs: [{ bytes: bytes('a'), logprob: -2, top }] }),
    );
  });

  it.each([
    ['OpenAI', { error: { message: 'No room.', code: 500 } }],
    ['older vLLM', { object: 'error', message: 'No room.' }],
    ['TGI', { error: 'No room.', error_type: 'overloaded' }],
  ])('is an error in the form of %s', (_, json) => {
    expect(readChunk(json)).toEqual({ kind: 'failed', words: 'No room.' });
  });

  it.each([undefined, null, 1, [], {}, { choices: 'x' }, { choices: [{ delta: { content: 1 } }] }])(
    'is nonsense: %j',
    (json) => {
      expect(readChunk(json)).toEqual({ kind: 'nonsense' });
    },
  );
});
