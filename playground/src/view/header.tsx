// Name, model and the ways to everything that is not the image and its questions.
import type { JSX } from 'preact';
import { startConversation, turns } from '../ask/conversation.js';
import { hasProblems } from '../settings/request-options.js';
import { settings } from '../settings/settings.js';
import { Icon, IconButton } from './icons.js';
import { openDialog } from './open-dialog.js';
import { ServerState } from './server-state.js';
import { view, type View } from './view.js';

export const Header = (): JSX.Element => (
  <header class="header">
    <h1>Takeoff</h1>
    <ServerState />
    <nav aria-label="Views">
      <ViewButton name="ask" label="Ask" />
      <ViewButton name="folder" label="Folder" />
    </nav>
    <div class="header-tools">
      <IconButton
        icon="add"
        label="New conversation"
        disabled={turns.value.length === 0}
        onClick={() => {
          view.value = 'ask';
          startConversation();
        }}
      />
      <IconButton
        icon="history"
        label="Conversations"
        onClick={() => (openDialog.value = { kind: 'history' })}
      />
      <IconButton
        icon="settings"
        label={hasProblems(settings.value) ? 'Settings: something in them is wrong' : 'Settings'}
        onClick={() => (openDialog.value = { kind: 'settings' })}
      />
    </div>
  </header>
);

const ViewButton = ({ name, label }: { readonly name: View; readonly label: string }): JSX.Element => (
  <button
    type="button"
    class="view-button"
    title={label}
    aria-current={view.value === name ? 'page' : undefined}
    onClick={() => (view.value = name)}
  >
    <Icon name={name === 'ask' ? 'image' : 'folder'} />
    <span class="view-label">{label}</span>
  </button>
);
