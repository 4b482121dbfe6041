// The values of a template, with the meaning that they have in Python: what is true, what is equal, how something prints. What
// would print or compare in a way that is not worth copying (lists, floats) is refused.
import { codePointCount } from './code-points.js';
import { failed, unsupported } from './template-fault.js';
import { MarkedText } from './marked-text.js';
import type { Arguments } from './arguments.js';
import type { Budget } from './budget.js';

/** Python's None. */
class None {
  readonly kind = 'NoneType';
}
export const NONE = new None();

/** Jinja's Undefined: empty where it is printed, an error where something is asked of it. */
export class Undefined {
  /** What was not there, for messages. */
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export class List {
  readonly items: readonly Value[];
  readonly isTuple: boolean;
  constructor(items: readonly Value[], isTuple = false) {
    this.items = items;
    this.isTuple = isTuple;
  }
}

/** What filters such as `select` give: always true, without a length, and used up once something has gone through it. */
export class Generator {
  #items: readonly Value[] | undefined;
  constructor(items: readonly Value[]) {
    this.#items = items;
  }
  take(): readonly Value[] {
    const items = this.#items;
    if (items === undefined) throw unsupported('going through a generator twice');
    this.#items = undefined;
    return items;
  }
}

export class Dict {
  readonly entries: ReadonlyMap<string, Value>;
  constructor(entries: ReadonlyMap<string, Value>) {
    this.entries = entries;
  }
}

/** The only thing that a template can change. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

export class Callable {
  readonly name: string;
  readonly call: (args: Arguments, budget: Budget) => Value;
  constructor(name: string, call: (args: Arguments, budget: Budget) => Value) {
    this.name = name;
    this.call = call;
  }
}

/** An object whose attributes are computed when they are asked for: `loop`. */
export interface Computed {
  readonly kind: string;
  attribute(name: string): Value | undefined;
}

/** Numbers are whole numbers; there is no float. */
export type Value =
  | None
  | boolean
  | number
  | MarkedText
  | Undefined
  | List
  | Generator
  | Dict
  | Namespace
  | Callable
  | Computed;

export const written = (text: string): MarkedText => MarkedText.of(text, 'template');

/** The name of the type in Python's messages. */
export function typeName(value: Value): string {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (value instanceof MarkedText) return 'str';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof List) return value.isTuple ? 'tuple' : 'list';
  if (value instanceof Generator) return 'generator';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Namespace) return 'Namespace';
  return value instanceof Callable ? 'function' : value.kind;
}

export function isTrue(value: Value): boolean {
  if (value === NONE || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (value instanceof MarkedText) return value.text !== '';
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  return true;
}

/** As `str(value)`, which is also how a value prints. */
export function toText(value: Value): MarkedText {
  if (value instanceof MarkedText) return value;
  if (value instanceof Undefined) return MarkedText.empty;
  if (value === NONE) return written('None');
  if (typeof value === 'boolean') return written(value ? 'True' : 'False');
  if (typeof value === 'number') return written(String(value));
  throw unsupported(`printing a ${typeName(value)}`);
}

export function isEqual(left: Value, right: Value, budget: Budget): boolean {
  if (left instanceof MarkedText && right instanceof MarkedText) {
    budget.make(Math.min(left.text.length, right.text.length));
    return left.text === right.text;
  }
  if (isNumeric(left) && isNumeric(right)) return Number(left) === Number(right);
  if (left instanceof Undefined && right instanceof Undefined) return true;
  if (left instanceof List && right instanceof List)
    return left.isTuple === right.isTuple && areEqual(left.items, right.items, budget);
  if (left instanceof Dict && right instanceof Dict) {
    const [pairs, others] = [[...left.entries], right.entries];
    return (
      pairs.every(([key]) => others.has(key)) &&
      areEqual(
        pairs.map(([, value]) => value),
        pairs.map(([key]) => others.get(key) ?? NONE),
        budget,
      ) &&
      pairs.length === others.size
    );
  }
  return left === right;
}

const areEqual = (left: readonly Value[], right: readonly Value[], budget: Budget): boolean =>
  budget.nested(
    () =>
      left.length === right.length &&
      left.every((item, index) => isEqual(item, right[index] ?? NONE, budget)),
  );

/** Below, at or above 0 as `left` is less than, equal to or greater than `right`. */
export function compare(left: Value, right: Value, operator: string, budget: Budget): number {
  if (isNumeric(left) && isNumeric(right)) return Number(left) - Number(right);
  if (left instanceof MarkedText && right instanceof MarkedText) {
    budget.make(left.text.length + right.text.length);
    return compareTexts(left.text, right.text);
  }
  throw failed(`'${operator}' is not defined between ${typeName(left)} and ${typeName(right)}`);
}

/** By code points, as Python; JavaScript's own order goes by UTF-16 units. */
function compareTexts(left: string, right: string): number {
  const [a, b] = [Array.from(left), Array.from(right)];
  const at = a.findIndex((character, index) => character !== b[index]);
  if (at === -1) return a.length - b.length;
  return (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? -1);
}

/** True and False are numbers to Python's comparisons. */
export const isNumeric = (value: Value): value is boolean | number =>
  typeof value === 'number' || typeof value === 'boolean';

/** What a `for` goes over, and `list()` makes of a value; going over all of it is paid for. */
export function iterate(value: Value, budget: Budget): readonly Value[] {
  const items = itemsOf(value);
  budget.steps(items.length);
  return items;
}

function itemsOf(value: Value): readonly Value[] {
  if (value instanceof List) return value.items;
  if (value instanceof Generator) return value.take();
  if (value instanceof MarkedText) return value.characters();
  if (value instanceof Dict) return Array.from(value.entries.keys(), written);
  if (value instanceof Undefined) return [];
  throw failed(`a ${typeName(value)} cannot be iterated over`);
}

export function lengthOf(value: Value, budget: Budget): number {
  if (value instanceof MarkedText) {
    budget.make(value.text.length);
    return codePointCount(value.text);
  }
  if (value instanceof List) return value.items.length;
  if (value instanceof Dict) return value.entries.size;
  if (value instanceof Undefined) return 0;
  throw failed(`a ${typeName(value)} has no length`);
}

/** Key and value of each entry, as tuples. */
export const pairsOf = ({ entries }: Dict): Value[] =>
  Array.from(entries, ([key, value]) => new List([written(key), value], true));

/** `item in container`. */
export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (container instanceof MarkedText) {
    if (!(item instanceof MarkedText))
      throw failed(`'in' a str needs a str on its left, not a ${typeName(item)}`);
    budget.search(container.text.length, item.text.length);
    return container.text.includes(item.text);
  }
  if (container instanceof Dict) {
    if (item instanceof MarkedText) return container.entries.has(item.text);
    throw unsupported(`looking for a ${typeName(item)} among the keys of a dict`);
  }
  if (container instanceof Generator) throw unsupported("'in' a generator");
  return iterate(container, budget).some((other) => isEqual(item, other, budget));
}

export function toInteger(value: Value, what: string): number {
  if (isNumeric(value)) return Number(value);
  throw failed(`${what} must be an int, not a ${typeName(value)}`);
}

/** Python's whole numbers have no limit; these have. */
export function wholeNumber(value: number): number {
  if (Number.isSafeInteger(value)) return value + 0;
  throw unsupported('a number above 2^53');
}
