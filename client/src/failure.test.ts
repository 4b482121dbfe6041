import { describe, expect, it } from 'vitest';
import { TakeoffApiError, UnexpectedAnswerError } from './errors.js';
import { connectionError, errorOfResponse } from './failure.js';
import { failure } from './scripted-fetch.fixture.js';

const URL_ASKED = 'http://host:3000/generate';
const withCode = (code: string): Error => Object.assign(new TypeError('connect'), { code });
const fetchFailed = (cause: unknown): Error => new TypeError('fetch failed', { cause });

describe('connectionError', () => {
  it.each([
    ['Node', fetchFailed(withCode('ECONNREFUSED'))],
    [
      'Node, for a name with two addresses',
      fetchFailed(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')])),
    ],
    ['Bun', withCode('ConnectionRefused')],
    ['Deno', new TypeError('error sending request: tcp connect error: Connection refused (os error 111)')],
  ])('knows a refused connection as %s tells it', (_, cause) => {
    const error = connectionError(cause, URL_ASKED);
    expect(error).toMatchObject({ code: 'client.connection_refused', cause });
    expect(error.message).toContain('Nothing listens on http://host:3000');
  });

  it.each([
    ['a browser, which does not tell', new TypeError('Failed to fetch'), 'Failed to fetch.'],
    ['a name that nobody knows', fetchFailed(withCode('ENOTFOUND')), 'fetch failed: connect.'],
    [
      'a connection that broke',
      fetchFailed(new TypeError('other side closed')),
      'fetch failed: other side closed.',
    ],
    // The request may have gone out on the address that did not refuse.
    [
      'a name with one address that refused',
      fetchFailed(new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')], 'both')),
      'fetch failed: both.',
    ],
    ['what is no error', 'odd', 'odd.'],
  ])('takes for more than refused: %s', (_, cause, end) => {
    const error = connectionError(cause, URL_ASKED);
    expect(error.code).toBe('client.connection_failed');
    expect(error.message.endsWith(end)).toBe(true);
  });
});

describe('errorOfResponse', () => {
  it('keeps what the server said and when to come back', async () => {
    const error = await errorOfResponse(failure(503, 'reader.queue_full', { 'retry-after': '2' }));
    expect(error).toBeInstanceOf(TakeoffApiError);
    expect(error).toMatchObject({ code: 'reader.queue_full', status: 503, retryAfterMs: 2000 });
  });

  it('takes the 503 of a proxy for a server that is not ready, with its Retry-After', async () => {
    const error = await errorOfResponse(
      new Response('busy', { status: 503, headers: { 'retry-after': '1' } }),
    );
    expect(error).toBeInstanceOf(TakeoffApiError);
    expect(error).toMatchObject({ code: 'server.not_ready', retryAfterMs: 1000 });
  });

  it.each(['', '<html>', '{"error":"no"}', '{"error":{"code":5,"message":"x"}}', 'x'.repeat(5000)])(
    'shows the beginning of what is not of this API (%#)',
    async (body) => {
      const error = await errorOfResponse(new Response(body, { status: 404 }));
      expect(error).toBeInstanceOf(UnexpectedAnswerError);
      expect(error.message).toContain('status 404');
      expect(error.message.length).toBeLessThan(400);
    },
  );
});
