// Which view is shown.
import { signal } from '@preact/signals';

export type View = 'ask' | 'folder';
export const view = signal<View>('ask');
