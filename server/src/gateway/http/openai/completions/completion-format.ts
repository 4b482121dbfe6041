// Answers of completions, whole or in chunks.
import type { DoneEvent, TokenEvent, TokenLogprob } from '../../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from '../../connection/answer-format.js';
import { EVENT_STREAM } from '../../connection/event-stream.js';
import type { PublicError } from '../../connection/public-error.js';
import { tokenText } from '../../connection/token-logprobs.js';
import { finishReasonOf } from '../../connection/finish-reason.js';
import { usageOf, type AnswerHead } from '../answer-facts.js';
import type { OpenaiUsage } from '../answer-schemas.js';
import { writeOpenaiError } from '../openai-error.js';
import { DONE_EVENT, encodeJsonEvent } from '../../connection/server-sent-json.js';
import { StreamTally } from '../stream-tally.js';

export interface CompletionShape {
  readonly answerCount: number;
  readonly choicesPerPrompt: number;
  /** Whether a stream ends with a chunk of usage. */
  readonly tellsUsage: boolean;
  readonly tellsLogprobs: boolean;
}

export class CompletionFormat implements AnswerFormat {
  readonly stream = EVENT_STREAM;
  readonly #head: AnswerHead;
  readonly #shape: CompletionShape;
  readonly #tally: StreamTally;
  /** Characters of each answer that were streamed, for the offsets of its tokens. */
  readonly #sentCharacters = new Map<number, number>();

  constructor(head: AnswerHead, shape: CompletionShape) {
    this.#head = head;
    this.#shape = shape;
    this.#tally = new StreamTally(shape.answerCount, shape.choicesPerPrompt);
  }

  body(answers: readonly PromptAnswer[]): unknown {
    return {
      ...this.#facts(),
      choices: answers.map(({ text, finishReason, logprobs }, index) => ({
        text,
        index,
        logprobs: this.#logprobs(logprobs, 0),
        finish_reason: finishReasonOf(finishReason),
      })),
      usage: usageOf(answers, this.#shape.choicesPerPrompt),
    };
  }

  chunk(event: TokenEvent | DoneEvent): string {
    const { prompt } = event;
    const sent = this.#sentCharacters.get(prompt) ?? 0;
    if (event.kind === 'token') {
      this.#sentCharacters.set(prompt, sent + event.text.length);
      const logprobs = this.#logprobs(event.logprobs ?? [], sent);
      return this.#event([{ text: event.text, index: prompt, logprobs, finish_reason: null }], null);
    }
    const finish_reason = finishReasonOf(event.finishReason);
    const ending = this.#event([{ text: '', index: prompt, logprobs: null, finish_reason }], null);
    const usage = this.#tally.end(event);
    if (usage === null) return ending;
    return ending + (this.#shape.tellsUsage ? this.#event([], usage) : '') + DONE_EVENT;
  }

  failureChunk(error: PublicError): string {
    return encodeJsonEvent(writeOpenaiError(error));
  }

  placeOf(answer: number): string | null {
    const { answerCount, choicesPerPrompt } = this.#shape;
    return answerCount === choicesPerPrompt ? null : `prompt[${Math.floor(answer / choicesPerPrompt)}]`;
  }

  #event(choices: readonly object[], usage: OpenaiUsage | null): string {
    return encodeJsonEvent({ ...this.#facts(), choices, ...(this.#shape.tellsUsage ? { usage } : {}) });
  }

  /** The older form of this endpoint: parallel lists. */
  #logprobs(logprobs: readonly TokenLogprob[], firstOffset: number): object | null {
    if (!this.#shape.tellsLogprobs) return null;
    let offset = firstOffset;
    const offsets = logprobs.map(({ bytes }) => {
      const at = offset;
      offset += tokenText(bytes).length;
      return at;
    });
    return {
      tokens: logprobs.map(({ bytes }) => tokenText(bytes)),
      token_logprobs: logprobs.map(({ logprob }) => logprob),
      top_logprobs: logprobs.map(({ top }) =>
        Object.fromEntries(top.map(({ bytes, logprob }) => [tokenText(bytes), logprob])),
      ),
      text_offset: offsets,
    };
  }

  #facts(): object {
    const { id, created, model, fingerprint } = this.#head;
    return { id, object: 'text_completion', created, model, system_fingerprint: fingerprint };
  }
}
