import { describe, expect, it } from 'vitest';
import { packFromReader, packToReader, unpack } from './ipc-text.js';
import { GREEDY } from './requests/greedy.js';
import type { FromReader } from './messages.js';
import type { GenerateMessage, ImagePayload } from './requests/messages.js';

const TOKEN = { kind: 'token', requestId: 'r', prompt: 0, text: 'a "\u2028\ud800' } satisfies FromReader;
const RANKED = { bytes: new Uint8Array([0xc3]), logprob: -0.25 };
const WITH_LOGPROBS: FromReader = { ...TOKEN, logprobs: [{ ...RANKED, top: [RANKED] }] };
const IMAGE: ImagePayload = {
  sha256: 'ab',
  widthPx: 1,
  heightPx: 1,
  sidePx: 1,
  tiles: new Uint8Array([1, 2, 3]),
};

const generate = (images: readonly ImagePayload[]): GenerateMessage => ({
  kind: 'generate',
  requestId: 'r',
  prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'Hé\ud800' }] }],
  images,
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: { ...GREEDY, temperature: 0.1 + 0.2 },
  constraint: null,
});

describe('packToReader', () => {
  it('makes a text of a request without images, which unpacks to the same request', () => {
    const packed = packToReader(generate([]));
    expect(packed).toBeTypeOf('string');
    expect(unpack(packed)).toEqual(generate([]));
  });

  it.each([
    ['a request with an image, whose bytes would grow as text', generate([IMAGE])],
    ['what is said once', { kind: 'drain' } as const],
  ])('leaves %s as it is', (_, message) => {
    expect(packToReader(message)).toBe(message);
  });
});

describe('packFromReader', () => {
  it('makes a text of what a step says, which unpacks to the same list', () => {
    const packed = packFromReader([TOKEN, TOKEN]);
    expect(packed).toBeTypeOf('string');
    expect(unpack(packed)).toEqual([TOKEN, TOKEN]);
  });

  it('leaves a list as it is in which a token has log probabilities, which hold bytes', () => {
    const messages = [TOKEN, WITH_LOGPROBS];
    expect(packFromReader(messages)).toBe(messages);
    expect(unpack(messages)).toBe(messages);
  });
});

it('unpack knows no text that is not JSON', () => {
  expect(unpack('{"kind":')).toBeUndefined();
});
