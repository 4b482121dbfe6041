import { describe, expect, it } from 'vitest';
import { STANDARD_SETTINGS, type Settings } from './request-options.js';
import { parseStoredSettings, storedText } from './stored-settings.js';

const CHANGED: Settings = {
  ...STANDARD_SETTINGS,
  consumerGroup: 'second',
  loraId: 'birds',
  useChatTemplate: false,
  numbers: { ...STANDARD_SETTINGS.numbers, samplingTopk: '40' },
  jsonSchema: '{}',
  apiKey: 'secret-key',
  theme: 'dark',
};

describe('stored settings', () => {
  it('come back as they were, but for the key', () =>
    expect(parseStoredSettings(storedText(CHANGED))).toEqual({ ...CHANGED, apiKey: '' }));

  it('never have the key', () => expect(storedText(CHANGED)).not.toContain('secret-key'));

  it.each([null, '', 'no json', '[]', '{"numbers": 7, "theme": "pink", "useChatTemplate": "yes"}'])(
    'read from %j are the standard ones',
    (text) => expect(parseStoredSettings(text)).toEqual(STANDARD_SETTINGS),
  );
});
