// What an answer took: a bar and a line for everybody, and everything that is known for those who open it.
import type { JSX } from 'preact';
import { tokensPerSecond, type StageTime } from '../ask/stage-times.js';
import type { AnswerFacts } from '../ask/turn.js';
import { countOf, formatMs } from './format.js';

export const AnswerFactsView = ({ facts }: { readonly facts: AnswerFacts }): JSX.Element => (
  <div class="facts">
    <StageBar stages={facts.stages} />
    <details>
      <summary>{summaryOf(facts).join(' · ')}</summary>
      <dl class="fact-list">
        {listOf(facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
    {facts.metadata?.finishReason === 'length' ? (
      <p class="warning">The answer ended at its greatest length. The settings can allow more tokens.</p>
    ) : null}
    {(facts.metadata?.warnings ?? []).map((warning) => (
      <p key={warning} class="warning">
        {warning}
      </p>
    ))}
  </div>
);

function summaryOf(facts: AnswerFacts): string[] {
  const { metadata, firstTokenMs, totalMs } = facts;
  const speed = speedOf(facts);
  return [
    ...(firstTokenMs === null ? [] : [`first token after ${formatMs(firstTokenMs)}`]),
    ...(speed === null ? [] : [`${speed} tokens/s`]),
    metadata === null ? `${formatMs(totalMs)} in all` : END_REASONS[metadata.finishReason],
  ];
}

function speedOf({ metadata, stages }: AnswerFacts): string | null {
  const speed = metadata === null ? null : tokensPerSecond(metadata.generatedTokens, stages);
  return speed === null ? null : speed.toFixed(speed < 10 ? 1 : 0);
}

const END_REASONS = {
  stop: 'complete',
  length: 'greatest length',
  cancelled: 'cancelled by the server',
} as const;

function listOf({ metadata, totalMs, stages }: AnswerFacts): (readonly [string, string])[] {
  const times = stages.map(({ name, ms }) => [name, formatMs(ms)] as const);
  const all = ['in all', formatMs(totalMs)] as const;
  if (metadata === null) return [...times, all];
  const { generatedTokens, imageTokens, promptTokens, cachedTokens } = metadata;
  return [
    ...times,
    all,
    ['answer', countOf(generatedTokens, 'token')],
    ['prompt', countOf(promptTokens, 'token')],
    ['of it the image', countOf(imageTokens, 'token')],
    ['known from before', countOf(cachedTokens, 'token')],
  ];
}

/** For the eye; the list has the same in words. */
const StageBar = ({ stages }: { readonly stages: readonly StageTime[] }): JSX.Element => (
  <div class="stage-bar" aria-hidden="true">
    {stages.map(({ name, ms }) => (
      <span key={name} title={`${name}: ${formatMs(ms)}`} style={{ flexGrow: ms }} />
    ))}
  </div>
);
