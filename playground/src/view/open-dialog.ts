// Which window lies over the page; one at most.
import { signal } from '@preact/signals';
import type { Question } from '../ask/turn.js';

export type OpenDialog =
  | { readonly kind: 'settings' | 'history' | 'readers' }
  | { readonly kind: 'showAs'; readonly question: Question };

export const openDialog = signal<OpenDialog | null>(null);
