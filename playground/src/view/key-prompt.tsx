// Asks for the API key where the server does.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { reachability, refreshStatus } from '../server/server.js';
import { changeSettings, settings } from '../settings/settings.js';

export const KeyPrompt = (): JSX.Element | null => {
  const typed = useSignal('');
  if (reachability.value.kind !== 'needsKey') return null;
  return (
    <form
      class="key-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        changeSettings({ apiKey: typed.value.trim() });
        void refreshStatus();
      }}
    >
      <label>
        {settings.value.apiKey === ''
          ? 'This server asks for an API key:'
          : 'The server does not accept this API key; another one:'}{' '}
        <input
          type="password"
          autocomplete="off"
          value={typed.value}
          onInput={({ currentTarget }) => (typed.value = currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={typed.value.trim() === ''}>
        Use it
      </button>
    </form>
  );
};
