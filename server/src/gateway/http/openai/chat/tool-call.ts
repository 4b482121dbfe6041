// The call of a function as chat completions tell it: whole in `message.tool_calls`, or piece by piece in `delta.tool_calls`.
import { FunctionCallText } from '../../connection/function-call-text.js';

export class ToolCall {
  readonly #id: string;
  readonly #text: FunctionCallText;
  #hasBegun = false;

  /** @param name of the only function that can be called; null where the answer's text names it */
  constructor(id: string, name: string | null) {
    this.#id = id;
    this.#text = new FunctionCallText(name);
  }

  /** Whether the text got as far as the name. */
  get isNamed(): boolean {
    return this.#text.name !== null;
  }

  /** Of a whole answer. */
  messageOf(text: string): object {
    const args = this.#text.push(text);
    const { name } = this.#text;
    if (name === null) return {};
    return { tool_calls: [{ id: this.#id, type: 'function', function: { name, arguments: args } }] };
  }

  /** What the next part of the text adds: the name in a delta of its own, then arguments. */
  deltasOf(text: string): readonly object[] {
    const args = this.#text.push(text);
    const { name } = this.#text;
    if (name === null) return [];
    const opening = { index: 0, id: this.#id, type: 'function', function: { name, arguments: '' } };
    const pieces = [
      ...(this.#hasBegun ? [] : [opening]),
      ...(args === '' ? [] : [{ index: 0, function: { arguments: args } }]),
    ];
    this.#hasBegun = true;
    return pieces.map((call) => ({ tool_calls: [call] }));
  }
}
