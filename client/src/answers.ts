// The types that calls return, and their parsers. A body is unknown until it is parsed.
import { UnexpectedAnswerError } from './errors.js';

export type FinishReason = 'stop' | 'length' | 'cancelled';

/** Counts of one prompt, with `returnMetadata`. */
export interface GenerationMetadata {
  readonly promptTokens: number;
  /** The part of `promptTokens` that stands for the image. */
  readonly imageTokens: number;
  /** The part of `promptTokens` that the server had from earlier requests that began alike. */
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  readonly finishReason: FinishReason;
  /** How long the prompt waited for its schema or pattern to be compiled, in milliseconds; absent where it had none. */
  readonly constraintMs?: number;
  /** What in the request was hardly meant, in sentences for people; absent where the server says nothing. */
  readonly warnings?: readonly string[];
  /** What the server spent the time on; absent in answers of older servers. */
  readonly timings?: PromptTimings;
}

/** In milliseconds, by the server's clocks. Stages do not overlap and add up to `totalMs`; `firstTokenMs` is none of them. */
export interface PromptTimings {
  /** From the first byte of the request until its body had arrived and was parsed. */
  readonly receiveMs: number;
  /** Fetching and decoding images. */
  readonly decodeImageMs: number;
  /** Waiting: for a reader, for a place beside other prompts, for a schema or pattern. */
  readonly queueMs: number;
  /** Until the features of its images were there. */
  readonly visionMs: number;
  /** Until its prompt was computed. */
  readonly prefillMs: number;
  /** From its first token to its end. */
  readonly decodeMs: number;
  /** From the first byte of the request to the first token; null for an answer without text. */
  readonly firstTokenMs: number | null;
  /** From the first byte of the request to the end of the answer. */
  readonly totalMs: number;
}

/** The answer to one prompt. */
export interface SingleAnswer {
  readonly text: string;
  /** With `returnMetadata`. */
  readonly metadata?: GenerationMetadata;
}

/** The answers to a list of prompts, in its order. */
export interface ListAnswer {
  readonly text: readonly string[];
  /** With `returnMetadata`. */
  readonly metadata?: readonly GenerationMetadata[];
}

/** The body of a buffered answer. A list is expected exactly where the request had one. */
export function parseAnswer(body: unknown, promptCount: number | null): SingleAnswer | ListAnswer {
  if (isRecord(body)) {
    const { text, metadata } = body;
    if (promptCount === null && typeof text === 'string') {
      const parsed = parseMetadata(metadata);
      return parsed === undefined ? { text } : { text, metadata: parsed };
    }
    if (promptCount !== null && isListOfTexts(text) && text.length === promptCount) {
      const parsed = Array.isArray(metadata)
        ? metadata.map(parseMetadata).filter((one) => one !== undefined)
        : [];
      return parsed.length === promptCount ? { text, metadata: parsed } : { text };
    }
  }
  const expected = promptCount === null ? 'a "text"' : `a "text" that is a list of ${promptCount}`;
  throw new UnexpectedAnswerError(`The server's answer has not ${expected}.`);
}

/** Undefined where the value is not the metadata of a prompt. */
export function parseMetadata(value: unknown): GenerationMetadata | undefined {
  if (!isRecord(value)) return undefined;
  const {
    prompt_tokens,
    image_tokens,
    cached_tokens,
    generated_tokens,
    finish_reason,
    constraint_ms,
    warnings,
  } = value;
  const timings = parseTimings(value['timings']);
  if (typeof prompt_tokens !== 'number' || typeof image_tokens !== 'number') return undefined;
  if (typeof generated_tokens !== 'number' || !isFinishReason(finish_reason)) return undefined;
  return {
    promptTokens: prompt_tokens,
    imageTokens: image_tokens,
    // Servers without a prefix cache do not say.
    cachedTokens: typeof cached_tokens === 'number' ? cached_tokens : 0,
    generatedTokens: generated_tokens,
    finishReason: finish_reason,
    ...(typeof constraint_ms === 'number' ? { constraintMs: constraint_ms } : {}),
    ...(isListOfTexts(warnings) ? { warnings } : {}),
    ...(timings === undefined ? {} : { timings }),
  };
}

/** Undefined where the value is not a whole set of times. */
function parseTimings(value: unknown): PromptTimings | undefined {
  if (!isRecord(value)) return undefined;
  const timeOf = (field: string): number => (typeof value[field] === 'number' ? value[field] : NaN);
  const firstTokenMs = value['first_token_ms'] === null ? null : timeOf('first_token_ms');
  const timings = {
    receiveMs: timeOf('receive_ms'),
    decodeImageMs: timeOf('decode_image_ms'),
    queueMs: timeOf('queue_ms'),
    visionMs: timeOf('vision_ms'),
    prefillMs: timeOf('prefill_ms'),
    decodeMs: timeOf('decode_ms'),
    firstTokenMs,
    totalMs: timeOf('total_ms'),
  };
  return Object.values(timings).some(Number.isNaN) ? undefined : timings;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isListOfTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const isFinishReason = (value: unknown): value is FinishReason =>
  value === 'stop' || value === 'length' || value === 'cancelled';

/** Undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
