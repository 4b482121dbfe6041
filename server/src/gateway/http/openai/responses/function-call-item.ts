// The call of a function. Where the answer's text names the function, the item begins when it has.
import { FunctionCallText } from '../../connection/function-call-text.js';
import { OUTPUT_INDEX, type ItemEvent, type ItemStatus, type OutputItem } from './output-item.js';

export interface CallIds {
  readonly item: string;
  readonly call: string;
}

export class FunctionCallItem implements OutputItem {
  readonly #ids: CallIds;
  readonly #text: FunctionCallText;
  #hasBegun = false;
  #arguments = '';

  /** @param name of the only function that can be called; null where the answer's text names it */
  constructor(ids: CallIds, name: string | null) {
    this.#ids = ids;
    this.#text = new FunctionCallText(name);
  }

  begin(): readonly ItemEvent[] {
    if (this.#text.name === null || this.#hasBegun) return [];
    this.#hasBegun = true;
    const [item] = this.items('in_progress');
    return [['response.output_item.added', { output_index: OUTPUT_INDEX, item }]];
  }

  push(text: string): readonly ItemEvent[] {
    const delta = this.#text.push(text);
    const opening = this.begin();
    if (delta === '') return opening;
    this.#arguments += delta;
    return [...opening, ['response.function_call_arguments.delta', { ...this.#place(), delta }]];
  }

  end(status: ItemStatus): readonly ItemEvent[] {
    const [item] = this.items(status);
    if (item === undefined) return [];
    const told = { name: this.#text.name, arguments: this.#arguments };
    return [
      ['response.function_call_arguments.done', { ...this.#place(), ...told }],
      ['response.output_item.done', { output_index: OUTPUT_INDEX, item }],
    ];
  }

  items(status: ItemStatus): readonly object[] {
    const { name } = this.#text;
    if (name === null) return [];
    const { item: id, call: call_id } = this.#ids;
    return [{ id, type: 'function_call', status, call_id, name, arguments: this.#arguments }];
  }

  #place(): object {
    return { item_id: this.#ids.item, output_index: OUTPUT_INDEX };
  }
}
