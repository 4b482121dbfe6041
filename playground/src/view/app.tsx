// The page as a whole: the header, and below it the view that was chosen.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { AskView } from './ask-view.js';
import { Header } from './header.js';

export type View = 'ask' | 'folder';
export const view = signal<View>('ask');

export const App = (): JSX.Element => (
  <>
    <Header />
    <AskView />
  </>
);
