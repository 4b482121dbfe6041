import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RequestEvent } from '../../link/requests/messages.js';
import type { AttemptEnd } from '../answer/consumer-group.js';
import { doneOf, messageOf, tokenOf } from '../answer/message.fixture.js';
import { RemoteRequest } from './remote-request.js';

const TILES = Uint8Array.of(1, 2, 3);

function begunRequest(prompts = 1) {
  const heard: RequestEvent[] = [];
  const ends: AttemptEnd[] = [];
  const message = {
    ...messageOf(prompts, 'q'),
    images: [{ sha256: 'upload', widthPx: 1, heightPx: 1, sidePx: 1, tiles: TILES }],
  };
  const request = new RemoteRequest(
    { message, preparedFor: 'v' },
    { onEvent: (event) => heard.push(event), onEnd: (end) => ends.push(end) },
  );
  request.begin('run', 'reader');
  return { request, heard, ends };
}

const token = (text: string): RequestEvent => tokenOf(text, 0, 'run');
const done = (finishReason: 'stop' | 'cancelled'): RequestEvent => ({ ...doneOf(0, 'run'), finishReason });

describe('a request whose reader is elsewhere', () => {
  it('shows the events of its run under its own id', () => {
    const { request, heard } = begunRequest();
    request.hear(0, token('a'));
    request.hear(1, done('stop'));
    expect(heard.map(({ kind, requestId }) => [kind, requestId])).toEqual([
      ['token', 'q'],
      ['done', 'q'],
    ]);
    expect(request.isOver).toBe(true);
  });

  it('shows an event that arrives twice once', () => {
    const { request, heard } = begunRequest();
    request.hear(0, token('a'));
    request.hear(0, token('a'));
    request.hear(1, token('b'));
    expect(heard).toHaveLength(2);
  });

  it('shows nothing behind a hole in its events before the hole is filled', () => {
    const { request, heard } = begunRequest();
    request.hear(0, token('a'));
    expect(request.hear(2, token('c'))).toBe('gap');
    expect(heard).toHaveLength(1);
    expect(request.heardCount).toBe(1);
    for (const [seq, text] of ['b', 'c'].entries()) expect(request.hear(seq + 1, token(text))).toBe('heard');
    expect(heard).toHaveLength(3);
  });

  it('ends each open prompt with one error when it fails', () => {
    const { request, heard } = begunRequest(2);
    request.hear(0, done('stop'));
    request.fail('reader.died', 'gone');
    request.fail('reader.died', 'gone');
    expect(heard.map(({ kind, prompt }) => [kind, prompt])).toEqual([
      ['done', 0],
      ['error', 1],
    ]);
  });

  it('that its reader cancelled by itself ends with queue.unreachable', () => {
    const { request, heard } = begunRequest();
    request.hear(0, done('cancelled'));
    expect(heard).toMatchObject([{ kind: 'error', code: 'queue.unreachable' }]);
  });

  it('that was cancelled here ends as cancelled', () => {
    const { request, heard } = begunRequest();
    request.cancelledMs = 1;
    request.hear(0, done('cancelled'));
    expect(heard).toMatchObject([{ kind: 'done', finishReason: 'cancelled' }]);
  });

  it('tells its end once', () => {
    const { request, ends } = begunRequest();
    request.end({ kind: 'cancelled' });
    request.end({ kind: 'cancelled' });
    expect(ends).toHaveLength(1);
  });

  it('names its tiles by their own hash and never carries them', () => {
    const { request } = begunRequest();
    const hash = createHash('sha256').update(TILES).digest('hex');
    expect(request.queuedImages(true)).toEqual([
      {
        sha256: 'upload',
        widthPx: 1,
        heightPx: 1,
        sidePx: 1,
        tileBytes: 3,
        tilesSha256: hash,
        isBeside: true,
      },
    ]);
    expect(request.withoutImages).not.toHaveProperty('images');
  });
});
