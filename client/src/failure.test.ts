import { describe, expect, it } from 'vitest';
import { TakeoffApiError, UnexpectedAnswerError } from './errors.js';
import { connectionError, errorOfResponse } from './failure.js';
import { failure } from './scripted-fetch.fixture.js';

const URL_ASKED = 'http://host:3000/generate';
const withCode = (code: string): Error => Object.assign(new TypeError('connect'), { code });
const fetchFailed = (cause: unknown): Error => new TypeError('fetch failed', { cause });

describe('connectionError', () => {
  it.each([
    ["Node's error", fetchFailed(withCode('ECONNREFUSED'))],
    [
      "Node's error for a name with two addresses",
      fetchFailed(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')])),
    ],
    ["Bun's error", withCode('ConnectionRefused')],
    [
      "Deno's error",
      new TypeError('error sending request: tcp connect error: Connection refused (os error 111)'),
    ],
  ])('recognises a refused connection by %s', (_, cause) => {
    const error = connectionError(cause, URL_ASKED);
    expect(error).toMatchObject({ code: 'client.connection_refused', cause });
    expect(error.message).toContain('Nothing listens on http://host:3000');
  });

  it.each([
    ["a browser's error, which gives no reason", new TypeError('Failed to fetch'), 'Failed to fetch.'],
    ['a host name that does not resolve', fetchFailed(withCode('ENOTFOUND')), 'fetch failed: connect.'],
    [
      'a connection that broke',
      fetchFailed(new TypeError('other side closed')),
      'fetch failed: other side closed.',
    ],
    // The request may have gone out on the address that did not refuse.
    [
      'a host of two addresses of which one refused',
      fetchFailed(new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')], 'both')),
      'fetch failed: both.',
    ],
    ['a thrown value that is no Error', 'odd', 'odd.'],
  ])('reports as failed, not as refused: %s', (_, cause, end) => {
    const error = connectionError(cause, URL_ASKED);
    expect(error.code).toBe('client.connection_failed');
    expect(error.message.endsWith(end)).toBe(true);
  });
});

describe('errorOfResponse', () => {
  it('keeps code, status and Retry-After of an error answer', async () => {
    const error = await errorOfResponse(failure(503, 'reader.queue_full', { 'retry-after': '2' }));
    expect(error).toBeInstanceOf(TakeoffApiError);
    expect(error).toMatchObject({ code: 'reader.queue_full', status: 503, retryAfterMs: 2000 });
  });

  it('reports the 503 of a proxy as server.not_ready, with its Retry-After', async () => {
    const error = await errorOfResponse(
      new Response('busy', { status: 503, headers: { 'retry-after': '1' } }),
    );
    expect(error).toBeInstanceOf(TakeoffApiError);
    expect(error).toMatchObject({ code: 'server.not_ready', retryAfterMs: 1000 });
  });

  it.each(['', '<html>', '{"error":"no"}', '{"error":{"code":5,"message":"x"}}', 'x'.repeat(5000)])(
    'reports status and beginning of a body that is no error of this API (body %#)',
    async (body) => {
      const error = await errorOfResponse(new Response(body, { status: 404 }));
      expect(error).toBeInstanceOf(UnexpectedAnswerError);
      expect(error.message).toContain('status 404');
      expect(error.message.length).toBeLessThan(400);
    },
  );
});
