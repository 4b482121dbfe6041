import { describe, expect, it } from 'vitest';
import {
  MAX_MESSAGE_CHARACTERS,
  messageIn,
  parseControl,
  parseEvents,
  parseQueuedRequest,
  writeControl,
  writeEvents,
  writeQueuedRequest,
  type Events,
  type QueuedRequest,
} from './messages.js';
import { GREEDY } from '../requests/greedy.js';
import { isKeyName, newProcessName } from './keys.js';

const REQUEST: QueuedRequest = {
  gateway: 'gateway@1',
  preparedFor: 'v',
  message: {
    kind: 'generate',
    requestId: 'q',
    prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'hello' }] }],
    promptMaxTokens: null,
    imageTokenBudget: null,
    cacheSalt: null,
    loraId: null,
    sampling: { ...GREEDY, maxNewTokens: 8, minNewTokens: 1 },
    constraint: null,
  },
  images: [
    {
      sha256: 'upload',
      widthPx: 3,
      heightPx: 4,
      sidePx: 2,
      tileBytes: 12,
      tilesSha256: 'a'.repeat(64),
      isBeside: true,
    },
  ],
};

describe('a request in the queue', () => {
  it('is what was written', () => {
    expect(parseQueuedRequest(writeQueuedRequest(REQUEST))).toEqual(REQUEST);
  });

  it.each([
    ['is no JSON', '{'],
    ['lacks its message', JSON.stringify({ ...REQUEST, message: undefined })],
    ['has tiles of more bytes than any', JSON.stringify(withImage({ tileBytes: 2 ** 40 }))],
    ['names tiles by something else than a hash', JSON.stringify(withImage({ tilesSha256: '../x' }))],
    ['is larger than a message may be', ' '.repeat(MAX_MESSAGE_CHARACTERS + 1)],
  ])('that %s is none', (_title, text) => {
    expect(parseQueuedRequest(text)).toBeUndefined();
  });
});

describe('events for a gateway', () => {
  it('carry the bytes of tokens', () => {
    const events: Events = {
      from: 'r@1',
      items: [
        {
          kind: 'event',
          seq: 3,
          event: {
            kind: 'token',
            requestId: 'run',
            prompt: 0,
            text: 'é',
            logprobs: [
              { bytes: Uint8Array.of(0xc3), logprob: -1, top: [{ bytes: Uint8Array.of(0xa9), logprob: -2 }] },
            ],
          },
        },
        { kind: 'began', requestId: 'q', run: 'run' },
        { kind: 'back', requestId: 'q', entry: '1-1', reason: 'no-tiles' },
        { kind: 'unknown-runs', runs: ['run'] },
      ],
    };
    expect(parseEvents(writeEvents(events))).toEqual(events);
  });

  it('that have a kind nobody knows are none', () => {
    expect(parseEvents(JSON.stringify({ from: 'r', items: [{ kind: 'other' }] }))).toBeUndefined();
  });
});

describe('a control message', () => {
  it('is what was written', () => {
    const ask = { kind: 'ask', requestId: 'question-1', question: { kind: 'model_config' } } as const;
    expect(parseControl(writeControl({ kind: 'ask', gateway: 'g', ask }))).toEqual({
      kind: 'ask',
      gateway: 'g',
      ask,
    });
  });
});

describe('a question about runs', () => {
  it('is what was written', () => {
    const control = { kind: 'check-runs', gateway: 'g', runs: [{ run: 'one', heard: 0 }] } as const;
    expect(parseControl(writeControl(control))).toEqual(control);
  });
});

describe('an entry', () => {
  it('has its message behind a version', () => {
    expect(messageIn(['v', '1', 'm', 'm'])).toBe('m');
  });

  it.each([[['v', '2', 'm', 'x']], [['m', 'x']], [[]]])(
    'with fields %j is of no version known here',
    (fields) => {
      expect(messageIn(fields)).toBeUndefined();
    },
  );
});

describe('names in keys', () => {
  it.each(['primary', 'a.b-c_D9', 'x'.repeat(128)])('%s may be one', (name) => {
    expect(isKeyName(name)).toBe(true);
  });

  it.each(['', 'a b', '{a}', 'a:b', 'a*', 'é', 'x'.repeat(129)])('%j may be none', (name) => {
    expect(isKeyName(name)).toBe(false);
  });

  it('of processes differ with each start', () => {
    expect(newProcessName('r')).not.toBe(newProcessName('r'));
  });
});

function withImage(change: object): unknown {
  return { ...REQUEST, images: REQUEST.images.map((image) => ({ ...image, ...change })) };
}
