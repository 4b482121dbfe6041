// Where a question is typed. Enter asks, Shift and Enter begin a new line, Escape stops what is being answered.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ask, draft, image, isAnswering, refusal, stopAll } from '../ask/conversation.js';
import { Icon } from './icons.js';

async function send(): Promise<void> {
  const text = draft.value;
  const asking = ask(text);
  draft.value = '';
  await asking;
  // What was not sent can be sent again without being typed again.
  if (refusal.value !== '' && draft.value === '') draft.value = text;
}

export const Composer = (): JSX.Element => {
  const field = useRef<HTMLTextAreaElement>(null);
  // Before the frame that has the text: after it there would be one more, for which the first words of an answer had to wait.
  useLayoutEffect(() => fitHeight(field.current), [draft.value]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {refusal.value === '' ? null : (
        <p class="refusal" role="alert">
          {refusal.value}
        </p>
      )}
      <div class="composer-row">
        <textarea
          ref={field}
          rows={1}
          aria-label="Question"
          placeholder={image.value === null ? 'Ask something' : 'Ask about the image'}
          value={draft.value}
          onInput={({ currentTarget }) => {
            draft.value = currentTarget.value;
          }}
          onKeyDown={onKeyDown}
        />
        {isAnswering.value ? (
          <button type="button" class="stop" onClick={stopAll}>
            <Icon name="stop" /> Stop
          </button>
        ) : null}
        <button type="submit" class="primary" disabled={draft.value.trim() === ''}>
          <Icon name="send" /> Ask
        </button>
      </div>
    </form>
  );
};

function fitHeight(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = '';
  // An empty one is as high as its one row; what stands in its place may be longer.
  if (field.value !== '') field.style.height = `${field.scrollHeight}px`;
}
