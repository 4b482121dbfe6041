// The page as a whole: the header, below it the view that was chosen, over it a window where one is open.
import type { JSX } from 'preact';
import { Announcer } from './announcer.js';
import { AskView } from './ask-view.js';
import { Dialogs } from './dialogs.js';
import { FolderView } from './folder-view.js';
import { Header } from './header.js';
import { KeyPrompt } from './key-prompt.js';
import { view } from './view.js';

export const App = (): JSX.Element => (
  <>
    <Header />
    <KeyPrompt />
    {view.value === 'ask' ? <AskView /> : <FolderView />}
    <Announcer />
    <Dialogs />
  </>
);
