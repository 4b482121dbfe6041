// A row of a folder by itself: its image, and the whole of an answer that the table has two lines for.
import type { JSX } from 'preact';
import type { FolderRow } from '../folder/folder-run.js';
import { Markdown } from '../markdown/markdown.js';
import { Dialog } from './dialog.js';
import { Thumbnail } from './thumbnail.js';

interface RowDialogProps {
  readonly row: FolderRow;
  readonly onClose: () => void;
}

export const RowDialog = ({ row, onClose }: RowDialogProps): JSX.Element => {
  const state = row.state.value;
  const answer = row.answer.value;
  return (
    <Dialog title={row.path} onClose={onClose}>
      <div class="row-image">
        <Thumbnail file={row.file} />
      </div>
      {state.kind === 'failed' ? <p class="refusal">{state.message}</p> : null}
      {answer === '' ? null : <Markdown text={answer} />}
      {answer === '' && state.kind !== 'failed' ? <p class="quiet">There is no answer yet.</p> : null}
    </Dialog>
  );
};
