// The settings of the page: one signal, kept in this browser. The API key is kept for as long as the tab.
import { effect, signal } from '@preact/signals';
import { type Settings } from './request-options.js';
import { parseStoredSettings, storedText } from './stored-settings.js';

const SETTINGS = 'takeoff.settings';
const API_KEY = 'takeoff.api-key';

export const settings = signal<Settings>({
  ...parseStoredSettings(read(() => localStorage.getItem(SETTINGS))),
  apiKey: read(() => sessionStorage.getItem(API_KEY)) ?? '',
});

export const changeSettings = (changes: Partial<Settings>): void => {
  settings.value = { ...settings.value, ...changes };
};

export function keepSettings(): void {
  effect(() => {
    const { apiKey, theme } = settings.value;
    const text = storedText(settings.value);
    read(() => {
      localStorage.setItem(SETTINGS, text);
      sessionStorage.setItem(API_KEY, apiKey);
    });
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  });
}

/** Browsers that are told to store nothing throw at every access; the page works without. */
function read<T>(access: () => T): T | null {
  try {
    return access();
  } catch {
    return null;
  }
}
