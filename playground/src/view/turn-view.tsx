// A question, its answer as it is written, and what became of it.
import type { JSX } from 'preact';
import { askAgain, draft, removeTurn, stop } from '../ask/conversation.js';
import { isOpen, type Failure, type Turn } from '../ask/turn.js';
import { Markdown } from '../markdown/markdown.js';
import { AnswerFactsView } from './answer-facts.js';
import { copyText } from './copy-text.js';
import { IconButton } from './icons.js';
import { openDialog } from './open-dialog.js';
import { StageView } from './stage-view.js';

export const TurnView = ({ turn }: { readonly turn: Turn }): JSX.Element => {
  const state = turn.state.value;
  return (
    <article class="turn" aria-busy={isOpen(state)}>
      <h2 class="question">{turn.question.text}</h2>
      <Answer turn={turn} />
      {isOpen(state) ? <StageView state={state} /> : null}
      {state.kind === 'failed' ? (
        <FailureView failure={state.failure} onRetry={() => askAgain(turn)} />
      ) : null}
      {state.kind === 'done' ? <AnswerFactsView facts={state.facts} /> : null}
      {state.kind === 'stopped' ? <p class="facts">Stopped.</p> : null}
      <Actions turn={turn} />
    </article>
  );
};

/** By itself, so that more text draws the text again and nothing around it. */
const Answer = ({ turn }: { readonly turn: Turn }): JSX.Element | null =>
  turn.answer.value === '' ? null : <Markdown text={turn.answer.value} />;

const FailureView = (props: { readonly failure: Failure; readonly onRetry: () => void }): JSX.Element => (
  <div class="failure" role="alert">
    <p>
      {props.failure.message} <code>{props.failure.code}</code>
    </p>
    <button type="button" onClick={props.onRetry}>
      Try again
    </button>
  </div>
);

const Actions = ({ turn }: { readonly turn: Turn }): JSX.Element => (
  <div class="actions">
    {isOpen(turn.state.value) ? (
      <IconButton icon="stop" label="Stop this answer" onClick={() => stop(turn)} />
    ) : (
      <IconButton icon="retry" label="Ask again" onClick={() => askAgain(turn)} />
    )}
    <IconButton
      icon="copy"
      label="Copy the answer"
      disabled={turn.answer.value === ''}
      onClick={() => copyText(turn.answer.value)}
    />
    <IconButton
      icon="edit"
      label="Edit the question"
      onClick={() => {
        draft.value = turn.question.text;
        document.querySelector<HTMLTextAreaElement>('.composer textarea')?.focus();
      }}
    />
    <IconButton
      icon="code"
      label="Show as a program"
      onClick={() => (openDialog.value = { kind: 'showAs', question: turn.question })}
    />
    <IconButton icon="remove" label="Remove this question" onClick={() => removeTurn(turn)} />
  </div>
);
