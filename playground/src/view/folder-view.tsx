// One question about many images, as a table.
import type { JSX } from 'preact';
import { toCsv, toJsonLines, type ExportedRow } from '../folder/export-rows.js';
import {
  addFiles,
  clear,
  endedCount,
  failedCount,
  isRunning,
  openCount,
  pause,
  question,
  retryFailed,
  rows,
  start,
  type FolderRow,
} from '../folder/folder-run.js';
import { allFilesOf } from './dropped-files.js';
import { FolderTable } from './folder-table.js';
import { countOf } from './format.js';
import { Icon } from './icons.js';
import { saveFile } from './save-file.js';

export const FolderView = (): JSX.Element => (
  <main
    class="folder"
    onDragOver={(event) => event.preventDefault()}
    onDrop={(event) => {
      event.preventDefault();
      void allFilesOf(event.dataTransfer).then(addFiles);
    }}
  >
    <form
      class="folder-question"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <label class="field">
        Question about every image
        <input
          value={question.value}
          onInput={({ currentTarget }) => (question.value = currentTarget.value)}
        />
      </label>
      {isRunning.value ? (
        <button key="pause" type="button" class="stop" onClick={pause}>
          <Icon name="stop" /> Pause
        </button>
      ) : (
        // Its own key: were it the same element as Pause, the click on Pause would submit the form.
        <button
          key="start"
          type="submit"
          class="primary"
          disabled={rows.value.length === 0 || question.value.trim() === ''}
        >
          <Icon name="send" /> {startLabel()}
        </button>
      )}
    </form>
    {rows.value.length === 0 ? <NoFiles /> : <Progress />}
    {rows.value.length === 0 ? null : <FolderTable rows={rows.value} />}
  </main>
);

function startLabel(): string {
  if (endedCount.value === 0) return 'Ask all';
  return openCount.value === 0 ? 'Ask all again' : 'Go on';
}

const NoFiles = (): JSX.Element => (
  <div class="no-image">
    <Icon name="folder" />
    <p>Drop a folder or many images here</p>
    <div class="ways">
      <FilesButton label="Choose a folder" isFolder />
      <FilesButton label="Choose images" isFolder={false} />
    </div>
  </div>
);

const FilesButton = (props: { readonly label: string; readonly isFolder: boolean }): JSX.Element => (
  <label class="button">
    {props.label}
    <input
      type="file"
      class="unseen"
      multiple
      {...(props.isFolder ? { webkitdirectory: true } : { accept: 'image/*' })}
      onChange={({ currentTarget }) => {
        const files = [...(currentTarget.files ?? [])];
        addFiles(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
        currentTarget.value = '';
      }}
    />
  </label>
);

const Progress = (): JSX.Element => {
  const [ended, failed] = [endedCount.value, failedCount.value];
  return (
    <div class="row folder-progress">
      <progress aria-label="Answered" value={ended} max={rows.value.length} />
      <span role="status">
        {ended} of {countOf(rows.value.length, 'image')}
        {failed === 0 ? '' : `, ${failed} failed`}
      </span>
      {failed === 0 ? null : (
        <button type="button" onClick={retryFailed}>
          Try the failed ones again
        </button>
      )}
      <span class="push" />
      <button type="button" disabled={ended === 0} onClick={() => save('csv')}>
        Save as CSV
      </button>
      <button type="button" disabled={ended === 0} onClick={() => save('jsonl')}>
        Save as JSON Lines
      </button>
      <button type="button" onClick={clear}>
        Clear
      </button>
    </div>
  );
};

function save(format: 'csv' | 'jsonl'): void {
  const ended = rows.value.filter(({ state }) => ['done', 'failed'].includes(state.value.kind)).map(exported);
  const [text, type] =
    format === 'csv' ? [toCsv(ended), 'text/csv'] : [toJsonLines(ended), 'application/jsonl'];
  saveFile(`answers.${format}`, new Blob([text], { type }));
}

function exported({ path, answer, state }: FolderRow): ExportedRow {
  const { value } = state;
  return {
    path,
    text: answer.value,
    seconds: value.kind === 'done' ? Math.round(value.totalMs) / 1000 : null,
    error: value.kind === 'failed' ? value.message : '',
  };
}
