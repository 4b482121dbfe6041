// What all answers of the OpenAI API tell beside their text: who answered and what it cost.
import type { Usage } from '../../../link/requests/messages.js';
import type { PromptAnswer } from '../connection/answer-format.js';
import type { OpenaiUsage } from './answer-schemas.js';

/** What is known of an answer before it begins. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
}

/** Of a whole request. @param choicesPerPrompt answers to the same prompt, which is counted once */
export function usageOf(
  answers: readonly Pick<PromptAnswer, 'usage'>[],
  choicesPerPrompt: number,
): OpenaiUsage {
  const sum = (count: (usage: Usage) => number, every: number): number =>
    answers.reduce((total, { usage }, index) => total + (index % every === 0 ? count(usage) : 0), 0);
  const promptTokens = sum((usage) => usage.promptTokens, choicesPerPrompt);
  const generatedTokens = sum((usage) => usage.generatedTokens, 1);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: generatedTokens,
    total_tokens: promptTokens + generatedTokens,
    prompt_tokens_details: {
      cached_tokens: sum((usage) => usage.cachedTokens, choicesPerPrompt),
      image_tokens: sum((usage) => usage.imageTokens, choicesPerPrompt),
    },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}
