// The rows of a folder. Only those in sight are drawn, so a thousand images cost what twenty do.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { FolderRow, RowState } from '../folder/folder-run.js';
import { visibleRows } from '../folder/visible-rows.js';
import { formatMs } from './format.js';
import { openDialog } from './open-dialog.js';
import { Thumbnail } from './thumbnail.js';

/** As in page.css. */
const ROW_PX = 64;
const EXPECTED_HEIGHT_PX = 800;

export const FolderTable = ({ rows }: { readonly rows: readonly FolderRow[] }): JSX.Element => {
  const box = useRef<HTMLDivElement>(null);
  const place = useSignal({ scrollTop: 0, height: EXPECTED_HEIGHT_PX });
  const look = (): void => {
    const { scrollTop = 0, clientHeight = EXPECTED_HEIGHT_PX } = box.current ?? {};
    place.value = { scrollTop, height: clientHeight };
  };
  useEffect(() => {
    look();
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, []);
  const { first, end } = visibleRows(place.value, ROW_PX, rows.length);
  return (
    <div ref={box} class="folder-table" tabIndex={0} role="region" aria-label="Answers" onScroll={look}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">Image</th>
            <th scope="col">Answer</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          <Gap rowCount={first} />
          {rows.slice(first, end).map((row, i) => (
            <Row key={row.path} row={row} index={first + i + 2} />
          ))}
          <Gap rowCount={rows.length - end} />
        </tbody>
      </table>
    </div>
  );
};

/** The place of rows that are not drawn. */
const Gap = ({ rowCount }: { readonly rowCount: number }): JSX.Element | null =>
  rowCount <= 0 ? null : (
    <tr aria-hidden="true">
      <td colSpan={3} class="gap" style={{ height: rowCount * ROW_PX }} />
    </tr>
  );

/** A click anywhere in it opens the row; the button is there for the keyboard, and its clicks are clicks in the row. */
const Row = ({ row, index }: { readonly row: FolderRow; readonly index: number }): JSX.Element => {
  const state = row.state.value;
  const open = (): void => {
    openDialog.value = { kind: 'row', row };
  };
  return (
    <tr aria-rowindex={index} class={state.kind} onClick={open}>
      <th scope="row">
        <button type="button" class="cell row-button">
          <Thumbnail file={row.file} />
          <span class="file-name" title={row.path}>
            {row.path}
          </span>
        </button>
      </th>
      <td>
        <div class="cell answer-cell">
          {state.kind === 'failed' ? <span class="refusal">{state.message}</span> : row.answer.value}
        </div>
      </td>
      <td>{timeOf(state)}</td>
    </tr>
  );
};

function timeOf(state: RowState): string {
  switch (state.kind) {
    case 'waiting':
      return '';
    case 'running':
      return '…';
    case 'done':
      return formatMs(state.totalMs);
    case 'failed':
      return 'failed';
  }
}
