import {
  IncompleteStreamError,
  InvalidInputError,
  TakeoffApiError,
  TakeoffConnectionError,
  TakeoffTimeoutError,
  UnexpectedAnswerError,
} from 'takeoff-client';
import { ERROR_CODES, isErrorCode } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import { verdictOn, type Verdict } from './verdict.js';

const of = (code: string): Verdict => {
  const status = isErrorCode(code) ? ERROR_CODES[code].status : 0;
  return verdictOn(new TakeoffApiError(code, 'x', { status }));
};

describe('verdictOn', () => {
  it('is `image` for failures that concern one image alone', () => {
    for (const [code, { retryable }] of Object.entries(ERROR_CODES))
      if (code.startsWith('image.') && !retryable) expect(of(code), code).toBe('image');
    expect(of('request.body_too_large')).toBe('image');
    expect(of('request.does_not_fit')).toBe('image');
    expect(of('request.crashes_reader')).toBe('image');
    expect(verdictOn(new InvalidInputError('no such file'))).toBe('image');
    expect(verdictOn(new UnexpectedAnswerError('nginx', { status: 413 }))).toBe('image');
  });

  it('is `wait` for failures in which the server did no work', () => {
    const busy = [
      'image.decoder_busy',
      'image.decoder_failed',
      'group.unavailable',
      'reader.queue_full',
      'server.not_ready',
      'server.draining',
    ];
    for (const code of busy) expect(of(code), code).toBe('wait');
    expect(verdictOn(new TakeoffConnectionError('client.connection_refused', 'x'))).toBe('wait');
    for (const status of [429, 502, 503, 504])
      expect(verdictOn(new UnexpectedAnswerError('a proxy', { status })), String(status)).toBe('wait');
  });

  it('is `again` for failures that the image may have caused in the server', () => {
    for (const code of ['reader.died', 'reader.stalled', 'server.internal'])
      expect(of(code), code).toBe('again');
    // An error event inside a stream has the stream's status, 200.
    expect(verdictOn(new TakeoffApiError('reader.died', 'x', { status: 200 }))).toBe('again');
    expect(verdictOn(new TakeoffConnectionError('client.connection_failed', 'x'))).toBe('again');
    expect(verdictOn(new IncompleteStreamError('client.incomplete_stream', 'x'))).toBe('again');
    expect(verdictOn(new TakeoffTimeoutError('client.timeout', 'x'))).toBe('again');
  });

  it('is `run` for failures that every image would meet', () => {
    for (const code of [
      'auth.required',
      'request.out_of_range',
      'request.wrong_shape',
      'request.model_takes_no_images',
      'group.failed',
    ])
      expect(of(code), code).toBe('run');
    expect(verdictOn(new UnexpectedAnswerError('a login page', { status: 200 }))).toBe('run');
    expect(verdictOn(new TypeError('a defect'))).toBe('run');
  });

  it('is never `run` for a code that is retryable', () => {
    for (const [code, { retryable }] of Object.entries(ERROR_CODES))
      if (retryable) expect(['wait', 'again'], code).toContain(of(code));
  });
});
