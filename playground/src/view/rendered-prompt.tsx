// The question as the model's template renders it, from servers that show that.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { draft, turns } from '../ask/conversation.js';
import { renderPrompt } from '../server/render-prompt.js';
import { settings } from '../settings/settings.js';

export const RenderedPrompt = (): JSX.Element | null => {
  const rendered = useSignal<string | null>(null);
  const problem = useSignal('');
  if (!settings.value.useChatTemplate) return null;
  const show = async (): Promise<void> => {
    const question =
      draft.value.trim() === '' ? (turns.value.at(-1)?.question.text ?? 'What is this?') : draft.value;
    const answer = await renderPrompt(question);
    rendered.value = answer.kind === 'rendered' ? answer.text : null;
    problem.value = answer.kind === 'rendered' ? '' : answer.reason;
  };
  return (
    <div>
      <button type="button" onClick={() => void show()}>
        Show the rendered prompt
      </button>
      {rendered.value === null ? null : (
        <pre class="program" tabIndex={0}>
          {rendered.value}
        </pre>
      )}
      <p class="quiet" role="status">
        {problem.value}
      </p>
    </div>
  );
};
