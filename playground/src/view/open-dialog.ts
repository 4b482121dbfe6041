// Which window lies over the page; one at most.
import { signal } from '@preact/signals';
import type { Question } from '../ask/turn.js';
import type { FolderRow } from '../folder/folder-run.js';

export type OpenDialog =
  | { readonly kind: 'settings' | 'history' | 'readers' }
  | { readonly kind: 'showAs'; readonly question: Question }
  | { readonly kind: 'row'; readonly row: FolderRow };

export const openDialog = signal<OpenDialog | null>(null);
