// Answers of /api/chat and /api/generate, whole or as lines of JSON. The two differ in where the text stands.
import { Defect } from '../../../errors.js';
import type { TokenEvent, TokenLogprob } from '../../../link/requests/messages.js';
import type { FinishedEvent } from '../../answer/request-record.js';
import type { AnswerFormat, PromptAnswer, StreamForm } from '../connection/answer-format.js';
import { finishReasonOf } from '../connection/finish-reason.js';
import type { PublicError } from '../connection/public-error.js';
import { logprobsContent } from '../connection/token-logprobs.js';
import { writeOllamaError } from './ollama-error.js';

/** Where the text of an answer stands. */
export type TextPlace = 'message' | 'response';

export interface OllamaShape {
  /** As the request names it. */
  readonly model: string;
  readonly textPlace: TextPlace;
  readonly tellsLogprobs: boolean;
}

const NANOSECONDS = 1_000_000;

export class OllamaFormat implements AnswerFormat {
  readonly stream: StreamForm = {
    contentType: 'application/x-ndjson',
    // Lines have no comments. Programs add up texts, and this one adds nothing.
    stillWorking: () => this.#line(this.#piece('', [])),
  };
  readonly #shape: OllamaShape;

  constructor(shape: OllamaShape) {
    this.#shape = shape;
  }

  body([answer]: readonly PromptAnswer[]): unknown {
    if (answer === undefined) throw new Defect('A request with one prompt has no answer.');
    return { ...this.#end(answer.text, answer), ...this.#logprobs(answer.logprobs) };
  }

  /** The answer to a request without a prompt, which is whole where streams are asked for, too. */
  loaded(): object {
    return { ...this.#head(''), done: true, done_reason: 'load' };
  }

  chunk(event: TokenEvent | FinishedEvent): string {
    if (event.kind === 'token') return this.#line(this.#piece(event.text, event.logprobs ?? []));
    return this.#line(this.#end('', event));
  }

  failureChunk(error: PublicError): string {
    return this.#line(writeOllamaError(error));
  }

  /** There is one prompt. */
  placeOf(): null {
    return null;
  }

  #piece(text: string, logprobs: readonly TokenLogprob[]): object {
    return { ...this.#head(text), done: false, ...this.#logprobs(logprobs) };
  }

  #end(
    text: string,
    { usage, finishReason, timings }: Pick<FinishedEvent, 'usage' | 'finishReason' | 'timings'>,
  ): object {
    const { totalMs, visionMs, prefillMs, decodeMs } = timings;
    return {
      ...this.#head(text),
      done: true,
      done_reason: finishReasonOf(finishReason),
      total_duration: nanoseconds(totalMs),
      load_duration: 0,
      prompt_eval_count: usage.promptTokens,
      prompt_eval_duration: nanoseconds(visionMs + prefillMs),
      eval_count: usage.generatedTokens,
      eval_duration: nanoseconds(decodeMs),
    };
  }

  #head(text: string): object {
    const { model, textPlace } = this.#shape;
    const told = textPlace === 'response' ? text : { role: 'assistant', content: text };
    return { model, created_at: new Date().toISOString(), [textPlace]: told };
  }

  #logprobs(logprobs: readonly TokenLogprob[]): object {
    return this.#shape.tellsLogprobs ? { logprobs: logprobsContent(logprobs) } : {};
  }

  #line(value: object): string {
    return `${JSON.stringify(value).replaceAll(LINE_BREAKS, escaped)}\n`;
  }
}

/** Of Unicode: JSON leaves them as they are, and some readers of lines, such as Python's, break lines at them. */
const LINE_BREAKS = /[\u0085\u2028\u2029]/gu;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const nanoseconds = (ms: number): number => Math.round(ms * NANOSECONDS);
