// One image, and the questions about it.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { stopAll, takeImage, turns } from '../ask/conversation.js';
import { Composer } from './composer.js';
import { Examples } from './examples.js';
import { firstFileOf } from './dropped-files.js';
import { ImagePanel } from './image-panel.js';
import { openDialog } from './open-dialog.js';
import { TurnView } from './turn-view.js';

export const AskView = (): JSX.Element => {
  useEffect(listenToPage, []);
  return (
    <main
      class="ask"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void takeFileOf(event.dataTransfer);
      }}
    >
      <ImagePanel />
      <section class="conversation" aria-label="Questions and answers">
        <Turns />
        <Composer />
      </section>
    </main>
  );
};

const Turns = (): JSX.Element => {
  const list = useRef<HTMLDivElement>(null);
  const count = turns.value.length;
  useLayoutEffect(() => {
    list.current?.scrollTo({ top: count === 0 ? 0 : list.current.scrollHeight });
  }, [count]);
  useEffect(() => followEnd(list.current), []);
  return (
    <div ref={list} class="turns" role="region" aria-label="Answers" tabIndex={0}>
      {count === 0 ? <Examples /> : turns.value.map((turn) => <TurnView key={turn.id} turn={turn} />)}
    </div>
  );
};

/** How far from its end a list still counts as being read at its end. */
const NEAR_PX = 80;

/** Keeps the end of a growing list in sight for people who are there, and leaves those alone who read further up. */
function followEnd(list: HTMLElement | null): (() => void) | undefined {
  if (list === null) return undefined;
  let isAtEnd = true;
  const look = (): void => {
    isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX;
  };
  const observer = new MutationObserver(() => {
    if (isAtEnd && list.querySelector('[aria-busy=true]') !== null) list.scrollTop = list.scrollHeight;
  });
  observer.observe(list, { childList: true, subtree: true, characterData: true });
  list.addEventListener('scroll', look);
  return () => {
    observer.disconnect();
    list.removeEventListener('scroll', look);
  };
}

async function takeFileOf(transfer: DataTransfer | null): Promise<void> {
  const file = firstFileOf(transfer);
  if (file !== null) await takeImage(file, file.name);
}

/** Images can be pasted wherever the focus is, and Escape stops whatever is being answered. */
function listenToPage(): () => void {
  const onPaste = ({ clipboardData }: ClipboardEvent): void => void takeFileOf(clipboardData);
  const onKeyDown = ({ key }: KeyboardEvent): void => {
    if (key === 'Escape' && openDialog.value === null) stopAll();
  };
  document.addEventListener('paste', onPaste);
  document.addEventListener('keydown', onKeyDown);
  return () => {
    document.removeEventListener('paste', onPaste);
    document.removeEventListener('keydown', onKeyDown);
  };
}
