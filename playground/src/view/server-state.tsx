// Which model answers, and why not where none does. A click shows every reader.
import type { JSX } from 'preact';
import { reachability, summary } from '../server/server.js';
import { openDialog } from './open-dialog.js';

type Light = 'ready' | 'loading' | 'down';

export const ServerState = (): JSX.Element => {
  const [light, text] = shown();
  const state = summary.value;
  return (
    <button
      type="button"
      class={`server-state ${light}`}
      onClick={() => (openDialog.value = { kind: 'readers' })}
    >
      <span class="light" aria-hidden="true" />
      <span role="status">{text}</span>
      {light === 'loading' && state.kind === 'loading' && state.fraction !== null ? (
        <progress aria-label="Loading" value={state.fraction} />
      ) : null}
    </button>
  );
};

function shown(): readonly [Light, string] {
  const reached = reachability.value;
  if (reached.kind === 'unreachable') return ['down', 'The server cannot be reached'];
  if (reached.kind === 'needsKey') return ['down', 'The server asks for an API key'];
  if (reached.kind === 'unknown') return ['loading', 'Looking for the server'];
  const state = summary.value;
  switch (state.kind) {
    case 'ready':
      return ['ready', state.modelName];
    case 'loading':
      return ['loading', `The model is not ready: ${state.text}`];
    case 'down':
      return ['down', `The model does not answer: ${state.text}`];
    case 'unknown':
      return ['down', 'No reader serves this consumer group'];
  }
}
