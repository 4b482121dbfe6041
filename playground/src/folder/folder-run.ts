// A question asked about many images, some at a time. Owns the rows and the order; a row that fails does not stop the others.
import { computed, signal, type Signal } from '@preact/signals';
import { explainFailure } from '../ask/explain-failure.js';
import { runQuestion } from '../ask/run-question.js';
import type { TurnState } from '../ask/turn.js';
import { chooseImage, prepareImage } from '../image/chosen-image.js';
import { addressee, group, status } from '../server/server.js';
import { requestOptions } from '../settings/request-options.js';
import { settings } from '../settings/settings.js';

export type RowState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly totalMs: number }
  | { readonly kind: 'failed'; readonly message: string };

export interface FolderRow {
  readonly path: string;
  readonly file: File;
  readonly state: Signal<RowState>;
  readonly answer: Signal<string>;
}

export const rows = signal<readonly FolderRow[]>([]);
export const question = signal('Describe the image.');
export const isRunning = signal(false);

/** Counted as rows end, because counting a thousand rows for each of them would be felt. */
export const endedCount = signal(0);
export const failedCount = signal(0);
export const openCount = computed(() => rows.value.length - endedCount.value);

const running = new Map<FolderRow, AbortController>();

/** Requests at the same time: as many as a reader answers at once. */
const concurrency = (): number =>
  status.value?.readers.find(
    ({ consumer_groups, state }) => consumer_groups.includes(group.value) && state === 'live',
  )?.max_batch_size ?? 1;

export function addFiles(files: readonly { readonly file: File; readonly path: string }[]): void {
  const known = new Set(rows.value.map(({ path }) => path));
  const added = files
    .filter(({ path }) => !known.has(path))
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
    .map(({ file, path }): FolderRow => ({
      file,
      path,
      state: signal<RowState>({ kind: 'waiting' }),
      answer: signal(''),
    }));
  rows.value = [...rows.value, ...added];
}

export function clear(): void {
  pause();
  rows.value = [];
  endedCount.value = 0;
  failedCount.value = 0;
}

/** Begins, or goes on where it was paused; where every image has its answer, asks about all of them again. */
export function start(): void {
  if (openCount.value === 0) {
    for (const { state } of rows.value) state.value = { kind: 'waiting' };
    endedCount.value = 0;
    failedCount.value = 0;
  }
  isRunning.value = true;
  fill();
}

/** What is being answered waits again. */
export function pause(): void {
  isRunning.value = false;
  for (const controller of running.values()) controller.abort();
}

/** Every row that failed waits again. */
export function retryFailed(): void {
  for (const { state } of rows.value) if (state.value.kind === 'failed') state.value = { kind: 'waiting' };
  endedCount.value -= failedCount.value;
  failedCount.value = 0;
  start();
}

function fill(): void {
  while (isRunning.value && running.size < concurrency()) {
    const next = rows.value.find((row) => row.state.peek().kind === 'waiting' && !running.has(row));
    if (next === undefined) break;
    const controller = new AbortController();
    running.set(next, controller);
    void answerRow(next, controller.signal).finally(() => {
      running.delete(next);
      fill();
    });
  }
  if (running.size === 0) isRunning.value = false;
}

async function answerRow(row: FolderRow, signal: AbortSignal): Promise<void> {
  row.answer.value = '';
  row.state.value = { kind: 'running' };
  const state = await askAbout(row, signal);
  row.state.value = state;
  if (state.kind === 'waiting') row.answer.value = '';
  else endedCount.value += 1;
  if (state.kind === 'failed') failedCount.value += 1;
}

async function askAbout(row: FolderRow, signal: AbortSignal): Promise<RowState> {
  const image = await chooseImage(row.file, row.path);
  // The row shows the file itself.
  URL.revokeObjectURL(image.url);
  const { keepsOriginals } = settings.value;
  const limits = status.value?.limits ?? null;
  const prepared = await prepareImage(image, { box: null, keepsOriginal: keepsOriginals, limits });
  if (prepared.kind === 'refused') return { kind: 'failed', message: prepared.reason };
  if (signal.aborted) return { kind: 'waiting' };
  const options = requestOptions(settings.value, addressee.value);
  const { blob, bytes } = prepared;
  const last = await runQuestion(
    { text: question.value, options, image: { blob, bytes, name: row.path } },
    signal,
    {
      onState: () => undefined,
      onText: (text) => {
        row.answer.value += text;
      },
      waitsFor: () => ({ kind: 'reading' }),
    },
  );
  return rowState(last);
}

function rowState(last: TurnState): RowState {
  if (last.kind === 'done') return { kind: 'done', totalMs: last.facts.totalMs };
  if (last.kind === 'failed') return { kind: 'failed', message: last.failure.message };
  if (last.kind === 'stopped') return { kind: 'waiting' };
  return { kind: 'failed', message: explainFailure(new TypeError('The answer has no end.')).message };
}
