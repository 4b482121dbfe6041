// The conversations that this browser keeps.
import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { forget, forgetAll, listKept } from '../history/conversation-store.js';
import { bringBack } from '../history/keep-conversations.js';
import { exportText, titleOf, type KeptConversation } from '../history/kept-conversation.js';
import { Dialog } from './dialog.js';
import { countOf } from './format.js';
import { IconButton } from './icons.js';
import { saveFile } from './save-file.js';
import { view } from './view.js';

type Kept = Signal<readonly KeptConversation[] | null>;

export const HistoryDialog = ({ onClose }: { readonly onClose: () => void }): JSX.Element => {
  const kept: Kept = useSignal<readonly KeptConversation[] | null>(null);
  useEffect(() => void refresh(kept), []);
  const conversations = kept.value ?? [];
  return (
    <Dialog title="Conversations" onClose={onClose}>
      <p class="quiet">They are kept in this browser and nowhere else.</p>
      <ul class="kept">
        {conversations.map((conversation) => (
          <KeptView key={conversation.id} conversation={conversation} kept={kept} onClose={onClose} />
        ))}
      </ul>
      {kept.value?.length === 0 ? <p>There are none yet.</p> : null}
      {conversations.length === 0 ? null : (
        <div class="row">
          <button type="button" onClick={() => void saveAll(conversations)}>
            Save all as a file
          </button>
          <button type="button" class="danger" onClick={() => void forgetAll().then(() => refresh(kept))}>
            Delete all
          </button>
        </div>
      )}
    </Dialog>
  );
};

interface KeptViewProps {
  readonly conversation: KeptConversation;
  readonly kept: Kept;
  readonly onClose: () => void;
}

const KeptView = ({ conversation, kept, onClose }: KeptViewProps): JSX.Element => (
  <li>
    <button
      type="button"
      class="kept-title"
      onClick={() => {
        view.value = 'ask';
        void bringBack(conversation);
        onClose();
      }}
    >
      <span>{titleOf(conversation)}</span>
      <small class="quiet">
        {new Date(conversation.changedMs).toLocaleString()} · {countOf(conversation.turns.length, 'question')}
        {conversation.imageName === '' ? '' : ` · ${conversation.imageName}`}
      </small>
    </button>
    <IconButton
      icon="remove"
      label={`Delete ${titleOf(conversation)}`}
      onClick={() => void forget(conversation.id).then(() => refresh(kept))}
    />
  </li>
);

async function refresh(kept: Kept): Promise<void> {
  try {
    kept.value = await listKept();
  } catch {
    kept.value = []; // This browser keeps nothing.
  }
}

async function saveAll(conversations: readonly KeptConversation[]): Promise<void> {
  const images = new Map<string, string>();
  for (const { id, image } of conversations) if (image !== null) images.set(id, await base64Of(image));
  saveFile('conversations.json', new Blob([exportText(conversations, images)], { type: 'application/json' }));
}

function base64Of(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      resolve(typeof reader.result === 'string' ? reader.result.replace(/^[^,]*,/u, '') : '');
    reader.onerror = () => reject(reader.error ?? new DOMException('not read', 'NotReadableError'));
    reader.readAsDataURL(blob);
  });
}
