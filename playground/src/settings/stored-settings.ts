// Settings as this browser keeps them. What an older version of the page, or anything else, has stored is read field by field.
import { STANDARD_SETTINGS, type NumberName, type Settings } from './request-options.js';
import { isRecord } from '../server/parse-status.js';

/** The key is not in it: it is kept for as long as the tab, and apart. */
export const storedText = (settings: Settings): string => JSON.stringify({ ...settings, apiKey: undefined });

export function parseStoredSettings(text: string | null): Settings {
  const stored = parseJson(text);
  if (!isRecord(stored)) return STANDARD_SETTINGS;
  const numbers = isRecord(stored['numbers']) ? stored['numbers'] : {};
  const { theme } = stored;
  return {
    consumerGroup: textOr(stored['consumerGroup'], STANDARD_SETTINGS.consumerGroup),
    loraId: textOr(stored['loraId'], STANDARD_SETTINGS.loraId),
    useChatTemplate: flagOr(stored['useChatTemplate'], STANDARD_SETTINGS.useChatTemplate),
    numbers: mapNumbers((name) => textOr(numbers[name], '')),
    jsonSchema: textOr(stored['jsonSchema'], ''),
    apiKey: '',
    keepsOriginals: flagOr(stored['keepsOriginals'], STANDARD_SETTINGS.keepsOriginals),
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
  };
}

const mapNumbers = (value: (name: NumberName) => string): Settings['numbers'] => ({
  maxNewTokens: value('maxNewTokens'),
  minNewTokens: value('minNewTokens'),
  samplingTopk: value('samplingTopk'),
  samplingTopp: value('samplingTopp'),
  samplingTemperature: value('samplingTemperature'),
  repetitionPenalty: value('repetitionPenalty'),
  noRepeatNgramSize: value('noRepeatNgramSize'),
  promptMaxTokens: value('promptMaxTokens'),
  imageTokenBudget: value('imageTokenBudget'),
});

function parseJson(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined; // Stored by something else, or cut: the standard settings count.
  }
}

const textOr = (value: unknown, other: string): string => (typeof value === 'string' ? value : other);
const flagOr = (value: unknown, other: boolean): boolean => (typeof value === 'boolean' ? value : other);
