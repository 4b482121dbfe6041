import { TakeoffApiError, TakeoffConnectionError } from 'takeoff-client';
import { describe, expect, it } from 'vitest';
import { explainFailure } from './explain-failure.js';

describe('explainFailure', () => {
  it("has the server's code, words and time to wait", () =>
    expect(
      explainFailure(
        new TakeoffApiError('reader.died', 'The reader ended.', { status: 503, retryAfterMs: 2000 }),
      ),
    ).toEqual({ code: 'reader.died', message: 'The reader ended.', retryAfterMs: 2000 }));

  it('says of a connection that failed what a person can do', () =>
    expect(
      explainFailure(new TakeoffConnectionError('client.connection_failed', 'TypeError: …')).message,
    ).toBe('The server cannot be reached. Is it running?'));

  it.each([new TypeError('odd'), 'odd'])('tells of %j what it says itself', (thrown) =>
    expect(explainFailure(thrown)).toEqual({ code: 'page.failed', message: 'odd', retryAfterMs: null }),
  );
});
