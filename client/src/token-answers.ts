// What the token tools and /count answer, and the parsers of it. A body is unknown until it is parsed.
import { isListOfTexts, isRecord } from './answers.js';
import { UnexpectedAnswerError } from './errors.js';

export interface Tokens {
  /** As the model's vocabulary spells them; `<image>` for each token of an image. */
  readonly tokens: readonly string[];
  readonly tokensCount: number;
}

/** What one prompt takes in the model. */
export interface PromptCounts {
  /** Images included. */
  readonly promptTokens: number;
  /** The part of `promptTokens` that stands for the image. */
  readonly imageTokens: number;
  /** Whether the model can answer it. */
  readonly fits: boolean;
  /** Longest answer that the model has room for after this prompt. */
  readonly maxAnswerTokens: number;
}

export interface SingleCount {
  readonly count: PromptCounts;
  /** What prompt and answer may have together. */
  readonly contextTokens: number;
}

/** In the order of the prompts. */
export interface ListCount {
  readonly count: readonly PromptCounts[];
  /** What prompt and answer may have together. */
  readonly contextTokens: number;
}

/** @throws UnexpectedAnswerError, as all of these */
export function parseTokens(body: unknown): Tokens {
  if (isRecord(body) && isListOfTexts(body['tokens'])) {
    const { tokens, tokens_count: told } = body;
    // Servers of older versions tell the tokens only.
    return { tokens, tokensCount: typeof told === 'number' ? told : tokens.length };
  }
  throw unexpected('tokens');
}

export function parseText(body: unknown): string {
  if (isRecord(body) && typeof body['text'] === 'string') return body['text'];
  throw unexpected('text');
}

export function parseMessages(body: unknown): readonly string[] {
  if (isRecord(body) && isListOfTexts(body['messages'])) return body['messages'];
  throw unexpected('messages');
}

/** A list is expected exactly where the request had one. */
export function parseCount(body: unknown, promptCount: number | null): SingleCount | ListCount {
  if (isRecord(body) && typeof body['context_tokens'] === 'number') {
    const { count, context_tokens: contextTokens } = body;
    if (promptCount === null) {
      const counts = parseCounts(count);
      if (counts !== undefined) return { count: counts, contextTokens };
    } else if (Array.isArray(count) && count.length === promptCount) {
      const counts = count.map(parseCounts).filter((one) => one !== undefined);
      if (counts.length === promptCount) return { count: counts, contextTokens };
    }
  }
  throw unexpected('count');
}

function parseCounts(value: unknown): PromptCounts | undefined {
  if (!isRecord(value)) return undefined;
  const { prompt_tokens, image_tokens, fits, max_answer_tokens } = value;
  if (typeof prompt_tokens !== 'number' || typeof image_tokens !== 'number') return undefined;
  if (typeof fits !== 'boolean' || typeof max_answer_tokens !== 'number') return undefined;
  return {
    promptTokens: prompt_tokens,
    imageTokens: image_tokens,
    fits,
    maxAnswerTokens: max_answer_tokens,
  };
}

const unexpected = (field: string): UnexpectedAnswerError =>
  new UnexpectedAnswerError(`The server's answer has no "${field}" of the right form.`);
