// What happens to a question at this moment, and what comes next.
import type { JSX } from 'preact';
import type { TurnState } from '../ask/turn.js';
import { countOf } from './format.js';

const STAGES = ['sending', 'waiting', 'reading', 'writing'] as const;
type Stage = (typeof STAGES)[number];

const NAMES: Readonly<Record<Stage, string>> = {
  sending: 'Sending',
  waiting: 'Waiting',
  reading: 'Reading image and prompt',
  writing: 'Writing',
};

export const StageView = ({ state }: { readonly state: TurnState }): JSX.Element => {
  const current = STAGES.findIndex((stage) => stage === state.kind);
  return (
    <ol class="stages">
      {STAGES.map((stage, i) => (
        <li
          key={stage}
          class={i < current ? 'past' : i === current ? 'current' : 'next'}
          aria-current={i === current ? 'step' : undefined}
        >
          {NAMES[stage]}
          {i === current ? detailOf(state) : ''}
        </li>
      ))}
    </ol>
  );
};

function detailOf(state: TurnState): string {
  if (state.kind === 'waiting') return `, ${countOf(state.ahead, 'request')} ahead`;
  if (state.kind === 'sending' && state.fraction > 0) return ` ${Math.floor(state.fraction * 100)} %`;
  return '';
}
