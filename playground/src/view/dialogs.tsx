// The window over the page, where one is open.
import type { JSX } from 'preact';
import { HistoryDialog } from './history-dialog.js';
import { openDialog } from './open-dialog.js';
import { ReadersDialog } from './readers-dialog.js';
import { RowDialog } from './row-dialog.js';
import { SettingsDialog } from './settings-dialog.js';
import { ShowAsDialog } from './show-as-dialog.js';

const close = (): void => {
  openDialog.value = null;
};

export const Dialogs = (): JSX.Element | null => {
  const dialog = openDialog.value;
  switch (dialog?.kind) {
    case 'settings':
      return <SettingsDialog onClose={close} />;
    case 'history':
      return <HistoryDialog onClose={close} />;
    case 'readers':
      return <ReadersDialog onClose={close} />;
    case 'showAs':
      return <ShowAsDialog question={dialog.question} onClose={close} />;
    case 'row':
      return <RowDialog row={dialog.row} onClose={close} />;
    case undefined:
      return null;
  }
};
