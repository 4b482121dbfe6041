// Answers of /v1/messages, whole or as events: a message has one block, text or the use of a tool.
import type { FinishReason } from 'takeoff-wire';
import { Defect } from '../../../errors.js';
import type { TokenEvent, Usage } from '../../../link/requests/messages.js';
import type { FinishedEvent } from '../../answer/request-record.js';
import type { AnswerFormat, PromptAnswer, StreamForm } from '../connection/answer-format.js';
import { EVENT_STREAM } from '../connection/event-stream.js';
import { FunctionCallText } from '../connection/function-call-text.js';
import type { PublicError } from '../connection/public-error.js';
import { encodeJsonEvent } from '../connection/server-sent-json.js';
import type { RequiredCall } from '../input/required-call.js';
import type { AnthropicUsage, StopReason } from './anthropic-answers.js';
import { writeAnthropicError } from './anthropic-error.js';

export interface MessageHead {
  /** Without a prefix. */
  readonly id: string;
  readonly model: string;
  /** Null where the answer is text. */
  readonly call: Pick<RequiredCall, 'name'> | null;
}

const NO_USAGE: Usage = { promptTokens: 0, imageTokens: 0, cachedTokens: 0, generatedTokens: 0 };

export class MessageFormat implements AnswerFormat {
  readonly stream: StreamForm = {
    ...EVENT_STREAM,
    stillWorking: () => encodeEvent({ type: 'ping' }),
  };
  readonly #head: MessageHead;
  /** Null where the answer is text. */
  readonly #call: FunctionCallText | null;
  #hasBegun = false;
  #hasBlock = false;

  constructor(head: MessageHead) {
    this.#head = head;
    this.#call = head.call === null ? null : new FunctionCallText(head.call.name);
  }

  body([answer]: readonly PromptAnswer[]): unknown {
    if (answer === undefined) throw new Defect('A request with one prompt has no answer.');
    const { text, usage, finishReason } = answer;
    const content = this.#content(text);
    return this.#message(content, this.#stopReason(finishReason), usage);
  }

  chunk(event: TokenEvent | FinishedEvent): string {
    const begun = this.#begin();
    if (event.kind === 'token') return begun + this.#piece(event.text);
    const { usage, finishReason } = event;
    const delta = { stop_reason: this.#stopReason(finishReason), stop_sequence: null };
    return [
      begun,
      this.#hasBlock ? encodeEvent({ type: 'content_block_stop', index: 0 }) : '',
      encodeEvent({ type: 'message_delta', delta, usage: usageOf(usage) }),
      encodeEvent({ type: 'message_stop' }),
    ].join('');
  }

  failureChunk(error: PublicError): string {
    return encodeEvent(writeAnthropicError(error));
  }

  /** There is one prompt. */
  placeOf(): null {
    return null;
  }

  /** What an answer costs is not known before it ends. */
  #begin(): string {
    if (this.#hasBegun) return '';
    this.#hasBegun = true;
    return encodeEvent({ type: 'message_start', message: this.#message([], null, NO_USAGE) });
  }

  #piece(text: string): string {
    const piece = this.#call?.push(text) ?? text;
    if (this.#call !== null && this.#call.name === null) return '';
    const opening = this.#openBlock();
    if (piece === '') return opening;
    const delta =
      this.#call === null ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: piece };
    return opening + encodeEvent({ type: 'content_block_delta', index: 0, delta });
  }

  #openBlock(): string {
    if (this.#hasBlock) return '';
    this.#hasBlock = true;
    const block =
      this.#call === null ? { type: 'text', text: '' } : this.#callBlock(this.#call.name ?? '', {});
    return encodeEvent({ type: 'content_block_start', index: 0, content_block: block });
  }

  #content(text: string): readonly object[] {
    if (this.#call === null) return text === '' ? [] : [{ type: 'text', text }];
    const args = this.#call.push(text);
    const { name } = this.#call;
    const input = parsedObject(args);
    // A call that was cut is told as far as it is one.
    return name === null ? [] : [this.#callBlock(name, input ?? {})];
  }

  #callBlock(name: string, input: object): object {
    return { type: 'tool_use', id: `toolu_${this.#head.id}`, name, input };
  }

  #stopReason(reason: FinishReason): StopReason {
    if (reason === 'length') return 'max_tokens';
    return this.#call?.name == null ? 'end_turn' : 'tool_use';
  }

  #message(content: readonly object[], stopReason: StopReason | null, usage: Usage): object {
    const { id, model } = this.#head;
    return {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: stopReason,
      stop_sequence: null,
      usage: usageOf(usage),
    };
  }
}

const usageOf = ({ promptTokens, cachedTokens, generatedTokens }: Usage): AnthropicUsage => ({
  input_tokens: promptTokens - cachedTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cachedTokens,
  output_tokens: generatedTokens,
});

function parsedObject(json: string): object | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

const encodeEvent = (event: { readonly type: string; readonly [field: string]: unknown }): string =>
  encodeJsonEvent(event, event.type);
