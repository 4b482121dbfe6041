import { describe, expect, it } from 'vitest';
import {
  IncompleteStreamError,
  TakeoffApiError,
  TakeoffConnectionError,
  TakeoffTimeoutError,
} from './errors.js';
import { parseRetryAfter, retryDelayMs } from './retry-delay.js';

const refused = new TakeoffConnectionError('client.connection_refused', '');

describe('retryDelayMs', () => {
  it('doubles the pause after refused connections up to a bound, with a random part', () => {
    expect([0, 1, 2, 3].map((attempt) => retryDelayMs(refused, attempt, 1))).toEqual([250, 500, 1000, 2000]);
    expect(retryDelayMs(refused, 0, 0)).toBe(125);
    expect(retryDelayMs(refused, 60, 1)).toBe(30_000);
  });

  it('waits as long as the Retry-After of a 503 says', () => {
    const busy = new TakeoffApiError('reader.queue_full', '', { status: 503, retryAfterMs: 2000 });
    expect(retryDelayMs(busy, 0, 0)).toBe(2000);
    expect(retryDelayMs(busy, 5, 0.5)).toBe(2125);
  });

  it.each<[string, unknown]>([
    ['a 503 without Retry-After', new TakeoffApiError('reader.died', '', { status: 503 })],
    ['a 503 that asks for a long wait', new TakeoffApiError('x', '', { status: 503, retryAfterMs: 60_000 })],
    ['a failure inside a stream', new TakeoffApiError('reader.died', '', { status: 200 })],
    ['a refusal', new TakeoffApiError('request.out_of_range', '', { status: 400, retryAfterMs: 1000 })],
    ['a connection that broke', new TakeoffConnectionError('client.connection_failed', '')],
    ['silence', new TakeoffTimeoutError('client.timeout', '')],
    ['a cut stream', new IncompleteStreamError('client.incomplete_stream', '')],
    ['an abort', new DOMException('', 'AbortError')],
  ])('allows no retry after %s', (_, failure) => {
    expect(retryDelayMs(failure, 0, 0)).toBeNull();
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('Mon, 05 Jan 2026 10:00:00 GMT');
  it.each([
    [null, undefined],
    ['', undefined],
    ['3', 3000],
    ['0', 0],
    ['-1', undefined],
    ['soon', undefined],
    ['Mon, 05 Jan 2026 10:00:05 GMT', 5000],
    ['Mon, 05 Jan 2026 09:00:00 GMT', 0],
  ])('parses %j as %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
