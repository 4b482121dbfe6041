import { describe, expect, it } from 'vitest';
import { isPermanentFailure } from './reader-state.js';

describe('isPermanentFailure', () => {
  it.each([
    'checkpoint.malformed',
    'config.invalid',
    'native.library_missing',
    'hub.denied',
    'hub.not_found',
    'hub.corrupt',
    'hub.offline',
  ])('is true of %s, which only an operator can mend', (code) => expect(isPermanentFailure(code)).toBe(true));

  it.each(['hub.unreachable', 'native.call_failed', 'reader.died', 'defect'])(
    'is false of %s, which may pass by itself',
    (code) => expect(isPermanentFailure(code)).toBe(false),
  );
});
