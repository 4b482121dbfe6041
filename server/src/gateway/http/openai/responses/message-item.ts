// A message of the assistant with one text.
import type { TokenLogprob } from '../../../../link/requests/messages.js';
import { logprobsContent } from '../../connection/token-logprobs.js';
import { OUTPUT_INDEX, type ItemEvent, type ItemStatus, type OutputItem } from './output-item.js';

export class MessageItem implements OutputItem {
  readonly #id: string;
  readonly #tellsLogprobs: boolean;
  #text = '';
  readonly #logprobs: TokenLogprob[] = [];

  constructor(id: string, tellsLogprobs: boolean) {
    this.#id = id;
    this.#tellsLogprobs = tellsLogprobs;
  }

  begin(): readonly ItemEvent[] {
    const item = { ...this.#message('in_progress'), content: [] };
    return [
      ['response.output_item.added', { output_index: OUTPUT_INDEX, item }],
      ['response.content_part.added', { ...this.#place(), part: this.#part() }],
    ];
  }

  push(text: string, logprobs: readonly TokenLogprob[]): readonly ItemEvent[] {
    this.#text += text;
    this.#logprobs.push(...logprobs);
    const told = { delta: text, logprobs: logprobsContent(logprobs) };
    return [['response.output_text.delta', { ...this.#place(), ...told }]];
  }

  end(status: ItemStatus): readonly ItemEvent[] {
    const told = { text: this.#text, logprobs: logprobsContent(this.#logprobs) };
    return [
      ['response.output_text.done', { ...this.#place(), ...told }],
      ['response.content_part.done', { ...this.#place(), part: this.#part() }],
      ['response.output_item.done', { output_index: OUTPUT_INDEX, item: this.#message(status) }],
    ];
  }

  items(status: ItemStatus): readonly object[] {
    return [this.#message(status)];
  }

  #message(status: ItemStatus): object {
    return { id: this.#id, type: 'message', status, role: 'assistant', content: [this.#part()] };
  }

  #part(): object {
    const told = this.#tellsLogprobs ? { logprobs: logprobsContent(this.#logprobs) } : {};
    return { type: 'output_text', text: this.#text, annotations: [], ...told };
  }

  #place(): object {
    return { item_id: this.#id, output_index: OUTPUT_INDEX, content_index: 0 };
  }
}
