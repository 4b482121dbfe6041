// Answers in the words of the native API: a list exactly where the request had one, raw text events for a single prompt, JSON
// events with `batch_id` for a list, metadata where it was asked for.
import {
  encodeBatchEvent,
  encodeErrorEvent,
  encodeMetadataEvent,
  encodeTextEvent,
  withoutCarriageReturns,
  type GenerateResponse,
  type GenerationMetadata,
  type PromptTimings as WireTimings,
} from 'takeoff-wire';
import type { PromptTimings } from '../../answer/request-record.js';
import type { AnswerFormat, PromptAnswer } from '../connection/answer-format.js';
import { EVENT_STREAM } from '../connection/event-stream.js';
import { writeNativeError } from './native-error.js';
import type { PromptWarnings } from './request-warnings.js';

export interface AnswerShape {
  /** Whether `text` was a list: the answer is one exactly then. */
  readonly isList: boolean;
  readonly wantsMetadata: boolean;
  readonly warnings: PromptWarnings;
}

export function nativeFormat(shape: AnswerShape): AnswerFormat {
  const batchIdOf = (prompt: number): number | null => (shape.isList ? prompt : null);
  return {
    stream: EVENT_STREAM,
    body: (answers) => bodyOf(answers, shape),
    chunk: (event) => {
      const batchId = batchIdOf(event.prompt);
      if (event.kind === 'done')
        return shape.wantsMetadata
          ? encodeMetadataEvent(metadataOf(event, shape.warnings[event.prompt]), batchId)
          : '';
      // What the buffered form leaves out is not streamed either.
      const text = withoutCarriageReturns(event.text);
      if (text === '') return '';
      return batchId === null ? encodeTextEvent(text) : encodeBatchEvent(text, batchId);
    },
    failureChunk: (error) => encodeErrorEvent(writeNativeError(error)),
    placeOf: (prompt) => (shape.isList ? `text[${prompt}]` : null),
  };
}

function bodyOf(
  answers: readonly PromptAnswer[],
  { isList, wantsMetadata, warnings }: AnswerShape,
): GenerateResponse {
  const texts = answers.map(({ text }) => withoutCarriageReturns(text));
  const metadata = answers.map((answer, prompt) => metadataOf(answer, warnings[prompt]));
  const [text = '', facts] = [texts[0], metadata[0]];
  if (isList) return wantsMetadata ? { text: texts, metadata } : { text: texts };
  return wantsMetadata && facts !== undefined ? { text, metadata: facts } : { text };
}

const metadataOf = (
  {
    usage,
    finishReason,
    constraintMs,
    timings,
  }: Pick<PromptAnswer, 'usage' | 'finishReason' | 'constraintMs' | 'timings'>,
  warnings: readonly string[] = [],
): GenerationMetadata => ({
  prompt_tokens: usage.promptTokens,
  image_tokens: usage.imageTokens,
  cached_tokens: usage.cachedTokens,
  generated_tokens: usage.generatedTokens,
  finish_reason: finishReason,
  ...(constraintMs === undefined ? {} : { constraint_ms: Math.round(constraintMs * 1000) / 1000 }),
  ...(warnings.length === 0 ? {} : { warnings }),
  timings: timingsOf(timings),
});

const timingsOf = (timings: PromptTimings): WireTimings => ({
  receive_ms: rounded(timings.receiveMs),
  decode_image_ms: rounded(timings.decodeImageMs),
  queue_ms: rounded(timings.queueMs),
  vision_ms: rounded(timings.visionMs),
  prefill_ms: rounded(timings.prefillMs),
  decode_ms: rounded(timings.decodeMs),
  first_token_ms: timings.firstTokenMs === null ? null : rounded(timings.firstTokenMs),
  total_ms: rounded(timings.totalMs),
});

/** To hundredths: clocks of processes that share a machine are no better. */
const rounded = (ms: number): number => Math.round(ms * 100) / 100;
