// Answers of responses: one message with one text, whole or as the events that build it.
import { Defect } from '../../../../errors.js';
import type { DoneEvent, TokenEvent, TokenLogprob } from '../../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from '../../connection/answer-format.js';
import type { PublicError } from '../../connection/public-error.js';
import { finishReasonOf, logprobsContent, usageOf, type AnswerHead } from '../answer-facts.js';
import { openaiErrorOf } from '../openai-error.js';
import { encodeJsonEvent } from '../server-sent-json.js';
import type { RepeatedFields } from './parse-response-request.js';

type Answer = Pick<PromptAnswer, 'text' | 'logprobs' | 'usage' | 'finishReason'>;

export class ResponseFormat implements AnswerFormat {
  readonly #head: AnswerHead;
  readonly #messageId: string;
  readonly #repeated: RepeatedFields;
  readonly #tellsLogprobs: boolean;
  #sequenceNumber = 0;
  #hasBegun = false;
  /** What was streamed so far. */
  #text = '';
  readonly #logprobs: TokenLogprob[] = [];

  constructor(head: AnswerHead, repeated: RepeatedFields, tellsLogprobs: boolean) {
    this.#head = head;
    this.#messageId = head.id.replace(/^resp_/u, 'msg_');
    this.#repeated = repeated;
    this.#tellsLogprobs = tellsLogprobs;
  }

  body([answer]: readonly PromptAnswer[]): unknown {
    if (answer === undefined) throw new Defect('A response has no answer.');
    return this.#finished(answer);
  }

  chunk(event: TokenEvent | DoneEvent): string {
    const opening = this.#hasBegun ? '' : this.#opening();
    this.#hasBegun = true;
    if (event.kind === 'done') return opening + this.#ending(event);
    const { text: delta, logprobs = [] } = event;
    this.#text += delta;
    this.#logprobs.push(...logprobs);
    const told = { delta, logprobs: logprobsContent(logprobs) };
    return opening + this.#event('response.output_text.delta', { ...this.#partPlace(), ...told });
  }

  failureChunk(error: PublicError): string {
    const { code, message, param } = openaiErrorOf(error);
    return this.#event('error', { code, message, param });
  }

  placeOf(): null {
    return null;
  }

  #opening(): string {
    const response = this.#response('in_progress', []);
    const item = {
      id: this.#messageId,
      type: 'message',
      status: 'in_progress',
      role: 'assistant',
      content: [],
    };
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response }) +
      this.#event('response.output_item.added', { output_index: 0, item }) +
      this.#event('response.content_part.added', { ...this.#partPlace(), part: this.#part('', []) })
    );
  }

  #ending({ usage, finishReason }: DoneEvent): string {
    const answer = { text: this.#text, logprobs: this.#logprobs, usage, finishReason };
    const { text } = answer;
    const logprobs = logprobsContent(this.#logprobs);
    const isCut = finishReasonOf(finishReason) === 'length';
    return (
      this.#event('response.output_text.done', { ...this.#partPlace(), text, logprobs }) +
      this.#event('response.content_part.done', {
        ...this.#partPlace(),
        part: this.#part(text, this.#logprobs),
      }) +
      this.#event('response.output_item.done', { output_index: 0, item: this.#message(answer) }) +
      this.#event(isCut ? 'response.incomplete' : 'response.completed', { response: this.#finished(answer) })
    );
  }

  #event(type: string, fields: object): string {
    const sequence_number = this.#sequenceNumber;
    this.#sequenceNumber += 1;
    return encodeJsonEvent({ type, sequence_number, ...fields }, type);
  }

  #partPlace(): object {
    return { item_id: this.#messageId, output_index: 0, content_index: 0 };
  }

  #part(text: string, logprobs: readonly TokenLogprob[]): object {
    const told = this.#tellsLogprobs ? { logprobs: logprobsContent(logprobs) } : {};
    return { type: 'output_text', text, annotations: [], ...told };
  }

  #message({ text, logprobs, finishReason }: Answer): object {
    const status = finishReasonOf(finishReason) === 'length' ? 'incomplete' : 'completed';
    return {
      id: this.#messageId,
      type: 'message',
      status,
      role: 'assistant',
      content: [this.#part(text, logprobs)],
    };
  }

  #finished(answer: Answer): object {
    const isCut = finishReasonOf(answer.finishReason) === 'length';
    const {
      prompt_tokens,
      completion_tokens,
      total_tokens,
      prompt_tokens_details,
      completion_tokens_details,
    } = usageOf([answer], 1);
    const response = this.#response(isCut ? 'incomplete' : 'completed', [this.#message(answer)]);
    return {
      ...response,
      incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
      usage: {
        input_tokens: prompt_tokens,
        input_tokens_details: prompt_tokens_details,
        output_tokens: completion_tokens,
        output_tokens_details: completion_tokens_details,
        total_tokens,
      },
    };
  }

  #response(status: 'in_progress' | 'completed' | 'incomplete', output: readonly object[]): object {
    const { id, created, model } = this.#head;
    return {
      id,
      object: 'response',
      created_at: created,
      status,
      background: false,
      error: null,
      incomplete_details: null,
      model,
      output,
      ...this.#repeated,
      parallel_tool_calls: false,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: false,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      truncation: 'disabled',
      usage: null,
      user: null,
    };
  }
}
