// Answers of responses, whole or as the events that build them. What they put out is an item (output-item.ts).
import { Defect } from '../../../../errors.js';
import type { DoneEvent, TokenEvent } from '../../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from '../../connection/answer-format.js';
import { EVENT_STREAM } from '../../connection/event-stream.js';
import type { PublicError } from '../../connection/public-error.js';
import { finishReasonOf } from '../../connection/finish-reason.js';
import { usageOf, type AnswerHead } from '../answer-facts.js';
import { openaiErrorOf } from '../openai-error.js';
import { encodeJsonEvent } from '../../connection/server-sent-json.js';
import type { ItemEvent, ItemStatus, OutputItem } from './output-item.js';
import type { RepeatedFields } from './parse-response-request.js';

type End = Pick<PromptAnswer, 'usage' | 'finishReason'>;

export class ResponseFormat implements AnswerFormat {
  readonly stream = EVENT_STREAM;
  readonly #head: AnswerHead;
  readonly #repeated: RepeatedFields;
  readonly #output: OutputItem;
  #sequenceNumber = 0;
  #hasBegun = false;

  constructor(head: AnswerHead, repeated: RepeatedFields, output: OutputItem) {
    this.#head = head;
    this.#repeated = repeated;
    this.#output = output;
  }

  body([answer]: readonly PromptAnswer[]): unknown {
    if (answer === undefined) throw new Defect('A response has no answer.');
    this.#output.push(answer.text, answer.logprobs);
    return this.#finished(answer);
  }

  chunk(event: TokenEvent | DoneEvent): string {
    const opening = this.#hasBegun ? '' : this.#opening();
    this.#hasBegun = true;
    if (event.kind === 'done') return opening + this.#ending(event);
    return opening + this.#events(this.#output.push(event.text, event.logprobs ?? []));
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
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response }) +
      this.#events(this.#output.begin())
    );
  }

  #ending(end: End): string {
    const status = statusOf(end);
    return (
      this.#events(this.#output.end(status)) +
      this.#event(`response.${status}`, { response: this.#finished(end) })
    );
  }

  #events(events: readonly ItemEvent[]): string {
    return events.map(([type, fields]) => this.#event(type, fields)).join('');
  }

  #event(type: string, fields: object): string {
    const sequence_number = this.#sequenceNumber;
    this.#sequenceNumber += 1;
    return encodeJsonEvent({ type, sequence_number, ...fields }, type);
  }

  #finished(end: End): object {
    const status = statusOf(end);
    const {
      prompt_tokens,
      completion_tokens,
      total_tokens,
      prompt_tokens_details,
      completion_tokens_details,
    } = usageOf([end], 1);
    return {
      ...this.#response(status, this.#output.items(status)),
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      usage: {
        input_tokens: prompt_tokens,
        input_tokens_details: prompt_tokens_details,
        output_tokens: completion_tokens,
        output_tokens_details: completion_tokens_details,
        total_tokens,
      },
    };
  }

  #response(status: ItemStatus, output: readonly object[]): object {
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
      truncation: 'disabled',
      usage: null,
      user: null,
    };
  }
}

const statusOf = ({ finishReason }: End): 'completed' | 'incomplete' =>
  finishReasonOf(finishReason) === 'length' ? 'incomplete' : 'completed';
