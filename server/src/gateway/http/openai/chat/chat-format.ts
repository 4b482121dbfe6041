// Answers of chat completions, whole or in chunks.
import type { DoneEvent, TokenEvent } from '../../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from '../../connection/answer-format.js';
import type { PublicError } from '../../connection/public-error.js';
import {
  finishReasonOf,
  logprobsContent,
  usageOf,
  type AnswerHead,
  type OpenaiUsage,
} from '../answer-facts.js';
import { writeOpenaiError } from '../openai-error.js';
import { DONE_EVENT, encodeJsonEvent } from '../server-sent-json.js';
import { StreamTally } from '../stream-tally.js';

export interface ChatShape {
  /** Answers to the conversation. */
  readonly choiceCount: number;
  /** Whether a stream ends with a chunk of usage. */
  readonly tellsUsage: boolean;
  readonly tellsLogprobs: boolean;
}

export class ChatFormat implements AnswerFormat {
  readonly #head: AnswerHead;
  readonly #shape: ChatShape;
  readonly #tally: StreamTally;

  constructor(head: AnswerHead, shape: ChatShape) {
    this.#head = head;
    this.#shape = shape;
    this.#tally = new StreamTally(shape.choiceCount, shape.choiceCount);
  }

  body(answers: readonly PromptAnswer[]): unknown {
    return {
      ...this.#facts('chat.completion'),
      choices: answers.map(({ text, finishReason, logprobs }, index) => ({
        index,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: this.#logprobs(logprobs),
        finish_reason: finishReasonOf(finishReason),
      })),
      usage: usageOf(answers, this.#shape.choiceCount),
    };
  }

  chunk(event: TokenEvent | DoneEvent): string {
    const { prompt } = event;
    const opening = this.#tally.begin(prompt)
      ? this.#choice(prompt, { role: 'assistant', content: '', refusal: null })
      : '';
    if (event.kind === 'token')
      return (
        opening +
        this.#choice(prompt, { content: event.text }, { logprobs: this.#logprobs(event.logprobs ?? []) })
      );
    const ending = this.#choice(prompt, {}, { finishReason: finishReasonOf(event.finishReason) });
    const usage = this.#tally.end(event);
    return opening + ending + (usage === null ? '' : this.#usage(usage) + DONE_EVENT);
  }

  failureChunk(error: PublicError): string {
    return encodeJsonEvent(writeOpenaiError(error));
  }

  /** All choices answer the same conversation. */
  placeOf(): null {
    return null;
  }

  #choice(
    index: number,
    delta: object,
    {
      logprobs = null,
      finishReason = null,
    }: { readonly logprobs?: object | null; readonly finishReason?: string | null } = {},
  ): string {
    return this.#event([{ index, delta, logprobs, finish_reason: finishReason }], null);
  }

  #usage(usage: OpenaiUsage): string {
    return this.#shape.tellsUsage ? this.#event([], usage) : '';
  }

  #event(choices: readonly object[], usage: OpenaiUsage | null): string {
    const told = this.#shape.tellsUsage ? { usage } : {};
    return encodeJsonEvent({ ...this.#facts('chat.completion.chunk'), choices, ...told });
  }

  #logprobs(logprobs: PromptAnswer['logprobs']): object | null {
    return this.#shape.tellsLogprobs ? { content: logprobsContent(logprobs), refusal: null } : null;
  }

  #facts(object: string): object {
    const { id, created, model, fingerprint } = this.#head;
    return { id, object, created, model, system_fingerprint: fingerprint };
  }
}
