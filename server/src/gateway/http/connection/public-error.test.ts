import { ERROR_CODES, isErrorCode } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import { CapacityError } from '../../../errors.js';
import { MAX_RETRY_AFTER_SECONDS, publicError } from './public-error.js';

/** Every Retry-After header of the server has its value from here. */
describe('publicError', () => {
  it.each(Object.keys(ERROR_CODES).filter(isErrorCode))(
    'tells clients to come back within 20 seconds, however long the thrower of %s would wait',
    (code) => {
      const { status, retryable } = ERROR_CODES[code];
      for (const [retryAfterMs, seconds] of [
        [0, 1],
        [1_001, 2],
        [120_000, MAX_RETRY_AFTER_SECONDS],
        [Number.MAX_SAFE_INTEGER, MAX_RETRY_AFTER_SECONDS],
      ] as const) {
        const { retryAfterSeconds } = publicError(new CapacityError(code, 'x', retryAfterMs));
        expect(retryAfterSeconds).toBe(status === 503 && retryable ? seconds : null);
      }
      expect(MAX_RETRY_AFTER_SECONDS).toBeLessThanOrEqual(20);
    },
  );
});
