// Says for people who listen what others see: that an answer is being written, and the whole of it when it is there. Each token by
// itself would be noise.
import type { JSX } from 'preact';
import { turns } from '../ask/conversation.js';
import { isOpen } from '../ask/turn.js';

export const Announcer = (): JSX.Element => (
  <p class="unseen" role="status">
    {announcement()}
  </p>
);

function announcement(): string {
  const turn = turns.value.at(-1);
  if (turn === undefined) return '';
  const state = turn.state.value;
  if (isOpen(state)) return 'Answering';
  switch (state.kind) {
    case 'done':
      return `Answer: ${turn.answer.value}`;
    case 'stopped':
      return 'Stopped';
    default:
      return '';
  }
}
