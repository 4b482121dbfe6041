// `value.name` and `value[key]` as Jinja's sandbox reads them: the one looks for an attribute first and then for an item, the other
// the other way round; what is not there is undefined. Methods that change something do not exist, those that nobody uses are refused.
import type { Arguments } from './arguments.js';
import type { Budget } from './budget.js';
import { codePointCount, offsetOf } from './code-points.js';
import { MarkedText } from './marked-text.js';
import { failed, unsupported } from './template-fault.js';
import { TEXT_METHODS } from './text-methods.js';
import {
  Callable,
  Dict,
  List,
  Namespace,
  NONE,
  pairsOf,
  typeName,
  Undefined,
  written,
  type Value,
} from './values.js';

const UNKNOWN_TEXT_METHODS = new Set(
  (
    'casefold center count encode expandtabs find format format_map index isalnum isalpha isascii isdecimal isdigit isidentifier ' +
    'islower isnumeric isprintable isspace istitle isupper ljust maketrans partition removeprefix removesuffix rfind rindex rjust ' +
    'rpartition rsplit splitlines swapcase translate zfill'
  ).split(' '),
);
const LIST_METHODS = new Set(
  'append clear copy count extend index insert pop remove reverse sort'.split(' '),
);
const UNKNOWN_DICT_METHODS = new Set('clear copy fromkeys pop popitem setdefault update'.split(' '));

type DictMethod = (dict: Dict, args: Arguments, budget: Budget) => Value;
const DICT_METHODS: ReadonlyMap<string, DictMethod> = new Map<string, DictMethod>([
  ['items', listing('items', pairsOf)],
  ['keys', listing('keys', ({ entries }) => Array.from(entries.keys(), written))],
  ['values', listing('values', ({ entries }) => [...entries.values()])],
  [
    'get',
    (dict, args) => {
      const [key, otherwise] = args.bind('get', ['key', 'default'], 1);
      return (key instanceof MarkedText ? dict.entries.get(key.text) : undefined) ?? otherwise ?? NONE;
    },
  ],
]);

function listing(name: string, list: (dict: Dict) => Value[]): DictMethod {
  return (dict, args, budget) => {
    args.bind(name, []);
    budget.steps(dict.entries.size);
    return new List(list(dict));
  };
}

/** For a method that is called by its name, whatever it is called on. @throws TemplateFault */
export function validateMethod(name: string, line: number): void {
  const isUnknown = [UNKNOWN_TEXT_METHODS, LIST_METHODS, UNKNOWN_DICT_METHODS].some((names) =>
    names.has(name),
  );
  if (isUnknown) throw unsupported(`the method ${name}`, line);
}

export function attributeOf(value: Value, name: string): Value {
  validateDefined(value, name);
  return ownAttribute(value, name) ?? plainItem(value, written(name)) ?? notThere(value, name);
}

export function itemOf(value: Value, key: Value, budget: Budget): Value {
  if (value instanceof MarkedText) budget.make(value.text.length);
  validateDefined(value, key instanceof MarkedText ? key.text : 'an item');
  const item = plainItem(value, key);
  if (item !== undefined) return item;
  if (key instanceof MarkedText) return ownAttribute(value, key.text) ?? notThere(value, key.text);
  return new Undefined(`an item of a ${typeName(value)}`);
}

function validateDefined(value: Value, asked: string): void {
  if (value instanceof Undefined) throw failed(`${value.what} is undefined, so it has no ${asked}`);
}

const notThere = (value: Value, name: string): Undefined => new Undefined(`${name} of a ${typeName(value)}`);

/** A method or a computed attribute. */
function ownAttribute(value: Value, name: string): Value | undefined {
  if (name.startsWith('_')) throw unsupported(`the attribute ${name}`);
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof MarkedText) return textMethod(value, name);
  if (value instanceof Dict) return dictMethod(value, name);
  if (value instanceof List && LIST_METHODS.has(name)) throw unsupported(`the method ${name} of a list`);
  if (typeof value === 'number' || typeof value === 'boolean' || value instanceof Callable)
    throw unsupported(`the attribute ${name} of a ${typeName(value)}`);
  return 'attribute' in value ? value.attribute(name) : undefined;
}

function textMethod(text: MarkedText, name: string): Callable | undefined {
  const method = TEXT_METHODS.get(name);
  if (method !== undefined)
    return new Callable(name, (args, budget) => {
      budget.make(text.text.length);
      return method(text, args, budget);
    });
  if (UNKNOWN_TEXT_METHODS.has(name)) throw unsupported(`the method ${name} of a str`);
  return undefined;
}

function dictMethod(dict: Dict, name: string): Callable | undefined {
  const method = DICT_METHODS.get(name);
  if (method !== undefined) return new Callable(name, (args, budget) => method(dict, args, budget));
  if (UNKNOWN_DICT_METHODS.has(name)) throw unsupported(`the method ${name} of a dict`);
  return undefined;
}

/** What `value[key]` is in Python, undefined where it would raise. */
function plainItem(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) return key instanceof MarkedText ? value.entries.get(key.text) : undefined;
  if (typeof key === 'boolean') throw unsupported('an index that is a bool');
  if (typeof key !== 'number') return undefined;
  if (value instanceof List) return value.items.at(key);
  return value instanceof MarkedText ? characterAt(value, key) : undefined;
}

function characterAt(text: MarkedText, index: number): MarkedText | undefined {
  const count = codePointCount(text.text);
  const at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) return undefined;
  return text.slice(offsetOf(text.text, at), offsetOf(text.text, at + 1));
}

/** `value[start:stop:step]`. */
export function sliceOf(value: Value, bounds: readonly (number | null)[], budget: Budget): Value {
  if (value instanceof MarkedText) {
    budget.make(value.text.length);
    return textSlice(value, bounds);
  }
  if (value instanceof List) {
    const { items, isTuple } = value;
    budget.steps(items.length);
    return new List(
      indicesOf(rangeOf(items.length, bounds)).flatMap((index) => items.slice(index, index + 1)),
      isTuple,
    );
  }
  throw failed(`a ${typeName(value)} cannot be sliced`);
}

function textSlice(text: MarkedText, bounds: readonly (number | null)[]): MarkedText {
  const range = rangeOf(codePointCount(text.text), bounds);
  if (range.step === 1)
    return text.slice(
      offsetOf(text.text, range.start),
      offsetOf(text.text, Math.max(range.start, range.stop)),
    );
  const characters = text.characters();
  return MarkedText.concat(indicesOf(range).flatMap((index) => characters.slice(index, index + 1)));
}

interface SliceRange {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** Which items of `length` a slice means, as Python's slice.indices. */
function rangeOf(length: number, [start, stop, given]: readonly (number | null | undefined)[]): SliceRange {
  const step = given ?? 1;
  if (step === 0) throw failed('the step of a slice is 0');
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const bound = (wanted: number | null | undefined, otherwise: number): number => {
    if (wanted === null || wanted === undefined) return otherwise;
    return Math.min(Math.max(wanted < 0 ? wanted + length : wanted, lowest), highest);
  };
  const isForward = step > 0;
  return {
    start: bound(start, isForward ? lowest : highest),
    stop: bound(stop, isForward ? highest : lowest),
    step,
  };
}

function indicesOf({ start, stop, step }: SliceRange): number[] {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return Array.from({ length: count }, (_, index) => start + index * step);
}
