// What an answer took, in one line and a bar.
import type { JSX } from 'preact';
import { tokensPerSecond, type StageTime } from '../ask/stage-times.js';
import type { AnswerFacts } from '../ask/turn.js';
import { countOf, formatMs } from './format.js';

export const AnswerFactsView = ({ facts }: { readonly facts: AnswerFacts }): JSX.Element => (
  <div class="facts">
    <p>{factsOf(facts).join(' · ')}</p>
    {(facts.metadata?.warnings ?? []).map((warning) => (
      <p key={warning} class="warning">
        {warning}
      </p>
    ))}
    <StageBar stages={facts.stages} />
  </div>
);

function factsOf({ metadata, firstTokenMs, totalMs }: AnswerFacts): string[] {
  const facts = firstTokenMs === null ? [] : [`first token after ${formatMs(firstTokenMs)}`];
  facts.push(`${formatMs(totalMs)} in all`);
  if (metadata === null) return facts;
  const { generatedTokens, imageTokens, promptTokens, cachedTokens, finishReason } = metadata;
  const speed = tokensPerSecond(generatedTokens, { firstTokenMs, totalMs });
  facts.push(countOf(generatedTokens, 'token'));
  if (speed !== null) facts.push(`${speed.toFixed(speed < 10 ? 1 : 0)} tokens/s`);
  facts.push(`prompt of ${promptTokens}`);
  if (imageTokens > 0) facts.push(countOf(imageTokens, 'image token'));
  if (cachedTokens > 0) facts.push(`${cachedTokens} cached`);
  facts.push(END_REASONS[finishReason]);
  return facts;
}

const END_REASONS = {
  stop: 'complete',
  length: 'ended by the longest answer that the settings allow',
  cancelled: 'cancelled by the server',
} as const;

const StageBar = ({ stages }: { readonly stages: readonly StageTime[] }): JSX.Element | null => {
  if (stages.length === 0) return null;
  return (
    <dl class="stage-bar">
      {stages.map(({ name, ms }) => (
        <div key={name} style={{ flexGrow: ms }}>
          <dt>{name}</dt>
          <dd>{formatMs(ms)}</dd>
        </div>
      ))}
    </dl>
  );
};
