// The filter `tojson` as transformers 5.18 sets it up: Python's json.dumps, not Jinja's own filter, which escapes for HTML.
import type { Arguments } from './arguments.js';
import type { Budget } from './budget.js';
import { MarkedText } from './marked-text.js';
import { failed, unsupported } from './template-fault.js';
import { Dict, isTrue, List, NONE, toInteger, toText, typeName, written, type Value } from './values.js';

const MAX_INDENT = 16;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);
const ALWAYS = /["\\\x00-\x1f]/g;
const OUTSIDE_ASCII = /["\\]|[^ -~]/g;

export function toJson(value: Value, args: Arguments, budget: Budget): MarkedText {
  const [ascii, indent, separators, sorts] = args.bind('tojson', [
    'ensure_ascii',
    'indent',
    'separators',
    'sort_keys',
  ]);
  if ((separators ?? NONE) !== NONE) throw unsupported('separators of tojson');
  if (isTrue(sorts ?? false)) throw unsupported('sorted keys of tojson');
  const width = indent === undefined || indent === NONE ? null : toInteger(indent, 'the indent of tojson');
  if (width !== null && (width < 0 || width > MAX_INDENT))
    throw unsupported(`an indent of tojson outside 0 to ${MAX_INDENT}`);
  return MarkedText.concat(new JsonWriter(width, isTrue(ascii ?? false), budget).write(value));
}

class JsonWriter {
  readonly #indent: number | null;
  readonly #escaped: RegExp;
  readonly #budget: Budget;
  readonly #parts: MarkedText[] = [];
  #level = 0;

  constructor(indent: number | null, isAscii: boolean, budget: Budget) {
    this.#indent = indent;
    this.#escaped = isAscii ? OUTSIDE_ASCII : ALWAYS;
    this.#budget = budget;
  }

  write(value: Value): readonly MarkedText[] {
    this.#budget.nested(() => this.#value(value));
    return this.#parts;
  }

  #value(value: Value): void {
    if (value instanceof MarkedText) this.#string(value);
    else if (value instanceof List) this.#listing('[]', value.items, (item) => void this.write(item));
    else if (value instanceof Dict)
      this.#listing('{}', [...value.entries], ([key, item]) => {
        this.#string(written(key));
        this.#put(written(': '));
        this.write(item);
      });
    else if (value === NONE) this.#put(written('null'));
    else if (typeof value === 'boolean') this.#put(written(String(value)));
    else if (typeof value === 'number') this.#put(toText(value));
    else throw failed(`a ${typeName(value)} cannot be written as JSON`);
  }

  /** Whatever was typed stays so, its escapes included. */
  #string(text: MarkedText): void {
    this.#put(written('"'));
    for (const stretch of text.stretches)
      this.#put(MarkedText.of(stretch.text.replace(this.#escaped, escape), stretch.origin));
    this.#put(written('"'));
  }

  #listing<T>(brackets: string, items: readonly T[], write: (item: T) => void): void {
    const [open = '', close = ''] = brackets;
    this.#put(written(open));
    this.#level += 1;
    for (const [index, item] of items.entries()) {
      this.#put(written(index === 0 ? '' : this.#indent === null ? ', ' : ','));
      this.#breakLine();
      write(item);
    }
    this.#level -= 1;
    if (items.length > 0) this.#breakLine();
    this.#put(written(close));
  }

  #breakLine(): void {
    if (this.#indent !== null) this.#put(written(`\n${' '.repeat(this.#indent * this.#level)}`));
  }

  #put(text: MarkedText): void {
    this.#budget.make(text.text.length);
    this.#parts.push(text);
  }
}

/** Of a character outside the BMP, both halves. */
function escape(character: string): string {
  return SHORT_ESCAPES.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
