// Keeps the shown wait of open questions up to date with the server's status: a place in the queue only gets better.
import { effect } from '@preact/signals';
import { status } from '../server/server.js';
import { expectedWait, turns } from './conversation.js';

export function followWaits(): void {
  effect(() => {
    if (status.value === null) return;
    for (const { state, question } of turns.peek()) {
      const current = state.peek();
      if (current.kind !== 'waiting' && current.kind !== 'reading') continue;
      const expected = expectedWait(question.options);
      // Those who asked later stand behind and are counted by the status too.
      const isBetter =
        current.kind === 'waiting' && (expected.kind === 'reading' || isAhead(expected, current));
      if (isBetter) state.value = expected;
    }
  });
}

const isAhead = (expected: ReturnType<typeof expectedWait>, current: { readonly ahead: number }): boolean =>
  expected.kind === 'waiting' && expected.ahead < current.ahead;
