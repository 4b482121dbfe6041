// Answers of chat completions, whole or in chunks.
import type { FinishReason } from 'takeoff-wire';
import type { DoneEvent, TokenEvent } from '../../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from '../../connection/answer-format.js';
import { EVENT_STREAM } from '../../connection/event-stream.js';
import type { PublicError } from '../../connection/public-error.js';
import { logprobsContent } from '../../connection/token-logprobs.js';
import { finishReasonOf } from '../../connection/finish-reason.js';
import { usageOf, type AnswerHead } from '../answer-facts.js';
import type { OpenaiUsage } from '../answer-schemas.js';
import { writeOpenaiError } from '../openai-error.js';
import { DONE_EVENT, encodeJsonEvent } from '../../connection/server-sent-json.js';
import type { RequiredCall } from '../../input/required-call.js';
import { StreamTally } from '../stream-tally.js';
import { ToolCall } from './tool-call.js';

export interface ChatShape {
  /** Answers to the conversation. */
  readonly choiceCount: number;
  /** Whether a stream ends with a chunk of usage. */
  readonly tellsUsage: boolean;
  readonly tellsLogprobs: boolean;
  /** Null where the answers are text. */
  readonly call: Pick<RequiredCall, 'name'> | null;
}

export class ChatFormat implements AnswerFormat {
  readonly stream = EVENT_STREAM;
  readonly #head: AnswerHead;
  readonly #shape: ChatShape;
  readonly #tally: StreamTally;
  /** Of the choices, where a call is required. */
  readonly #calls: readonly ToolCall[];

  constructor(head: AnswerHead, shape: ChatShape) {
    this.#head = head;
    this.#shape = shape;
    this.#tally = new StreamTally(shape.choiceCount, shape.choiceCount);
    const { call, choiceCount } = shape;
    this.#calls =
      call === null
        ? []
        : Array.from(
            { length: choiceCount },
            (_, choice) => new ToolCall(callIdOf(head.id, choice), call.name),
          );
  }

  body(answers: readonly PromptAnswer[]): unknown {
    return {
      ...this.#facts('chat.completion'),
      choices: answers.map(({ text, finishReason, logprobs }, index) => ({
        index,
        message: { role: 'assistant', ...this.#contentOf(index, text), refusal: null },
        logprobs: this.#logprobs(logprobs),
        finish_reason: this.#finishReasonOf(index, finishReason),
      })),
      usage: usageOf(answers, this.#shape.choiceCount),
    };
  }

  chunk(event: TokenEvent | DoneEvent): string {
    const { prompt } = event;
    const content = this.#calls.length === 0 ? '' : null;
    const opening = this.#tally.begin(prompt)
      ? this.#choice(prompt, { role: 'assistant', content, refusal: null })
      : '';
    if (event.kind === 'token') return opening + this.#piece(event);
    const finishReason = this.#finishReasonOf(prompt, event.finishReason);
    const ending = this.#choice(prompt, {}, { finishReason });
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

  #contentOf(choice: number, text: string): object {
    const call = this.#calls[choice];
    return call === undefined ? { content: text } : { content: null, ...call.messageOf(text) };
  }

  #finishReasonOf(choice: number, reason: FinishReason): 'stop' | 'length' | 'tool_calls' {
    const told = finishReasonOf(reason);
    return told === 'stop' && this.#calls[choice]?.isNamed === true ? 'tool_calls' : told;
  }

  #piece({ prompt, text, logprobs = [] }: TokenEvent): string {
    const deltas = this.#calls[prompt]?.deltasOf(text) ?? [{ content: text }];
    if (deltas.length === 0 && logprobs.length === 0) return '';
    const [first = {}, ...others] = deltas;
    const told = { logprobs: this.#logprobs(logprobs) };
    return this.#choice(prompt, first, told) + others.map((delta) => this.#choice(prompt, delta)).join('');
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

/** OpenAI takes up to 40 characters when a conversation goes on there. */
const callIdOf = (answerId: string, choice: number): string =>
  `call_${answerId.replace(/^chatcmpl-/u, '').slice(0, 24)}${choice.toString(16).padStart(2, '0')}`;
