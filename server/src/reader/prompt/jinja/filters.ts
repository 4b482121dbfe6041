// The filters that chat templates use. A filter that is not here is refused by name.
import { Arguments } from './arguments.js';
import type { Budget } from './budget.js';
import { itemOf } from './attributes.js';
import { toJson } from './json-text.js';
import { MarkedText } from './marked-text.js';
import { testOf } from './tests.js';
import { capitalize, joined, lower, replaced, titleFilter, trim, upper } from './text-methods.js';
import { failed, unsupported } from './template-fault.js';
import {
  Dict,
  Generator,
  isTrue,
  iterate,
  lengthOf,
  List,
  NONE,
  pairsOf,
  toText,
  typeName,
  Undefined,
  written,
  type Value,
} from './values.js';

export type Filter = (value: Value, args: Arguments, budget: Budget) => Value;

/** A filter that takes nothing but its value. */
const plain =
  (filter: (value: Value, budget: Budget) => Value): Filter =>
  (value, args, budget) => {
    args.bind('a filter', []);
    return filter(value, budget);
  };

const onText = (change: (text: MarkedText) => MarkedText): Filter =>
  plain((value, budget) => change(paidText(value, budget)));

function paidText(value: Value, budget: Budget): MarkedText {
  const text = toText(value);
  budget.make(text.text.length);
  return text;
}

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['trim', (value, args, budget) => trim(paidText(value, budget), args.bind('trim', ['chars'])[0] ?? NONE)],
  ['upper', onText(upper)],
  ['lower', onText(lower)],
  ['capitalize', onText(capitalize)],
  ['title', onText(titleFilter)],
  ['string', plain(toText)],
  ['length', plain(lengthOf)],
  ['count', plain(lengthOf)],
  ['list', plain((value, budget) => new List(iterate(value, budget)))],
  ['first', plain(first)],
  ['last', plain(last)],
  ['reverse', plain(reverse)],
  ['items', plain(itemsFilter)],
  ['join', joinFilter],
  ['replace', replaceFilter],
  ['default', defaultFilter],
  ['d', defaultFilter],
  ['tojson', toJson],
  ['map', mapFilter],
  ['select', selecting('select', true)],
  ['reject', selecting('reject', false)],
  ['selectattr', selectingByAttribute('selectattr', true)],
  ['rejectattr', selectingByAttribute('rejectattr', false)],
]);

export function filterOf(name: string, line: number | null = null): Filter {
  const filter = FILTERS.get(name);
  if (filter === undefined) throw unsupported(`the filter ${name}`, line);
  return filter;
}

function first(value: Value, budget: Budget): Value {
  return iterate(value, budget)[0] ?? new Undefined('the first item of an empty sequence');
}

function last(value: Value, budget: Budget): Value {
  if (value instanceof Generator) throw failed('a generator has no last item');
  return iterate(value, budget).at(-1) ?? new Undefined('the last item of an empty sequence');
}

function reverse(value: Value, budget: Budget): Value {
  const items = iterate(value, budget).toReversed();
  return value instanceof MarkedText ? MarkedText.concat(items.map(toText)) : new Generator(items);
}

function joinFilter(value: Value, args: Arguments, budget: Budget): Value {
  const [separator, attribute] = args.bind('join', ['d', 'attribute']);
  const items = iterate(value, budget);
  const read = attribute === undefined ? undefined : attributeReader(attribute, budget);
  const texts = items.map((item) => toText(read === undefined ? item : read(item)));
  return joined(texts, separator === undefined ? MarkedText.empty : toText(separator), budget);
}

function replaceFilter(value: Value, args: Arguments, budget: Budget): Value {
  const [old, by, count] = args.bind('replace', ['old', 'new', 'count'], 2);
  return replaced(toText(value), [toText(old ?? NONE), toText(by ?? NONE), count ?? NONE], budget);
}

function defaultFilter(value: Value, args: Arguments): Value {
  const [otherwise, ifFalse] = args.bind('default', ['default_value', 'boolean']);
  const isMissing = value instanceof Undefined || (isTrue(ifFalse ?? false) && !isTrue(value));
  return isMissing ? (otherwise ?? MarkedText.empty) : value;
}

function itemsFilter(value: Value, budget: Budget): Value {
  if (value instanceof Undefined) return new Generator([]);
  if (!(value instanceof Dict)) throw failed(`items needs a dict, not a ${typeName(value)}`);
  budget.steps(value.entries.size);
  return new Generator(pairsOf(value));
}

function mapFilter(value: Value, { positional, named }: Arguments, budget: Budget): Value {
  const [name, ...rest] = positional;
  if (name === undefined) {
    const [attribute, otherwise] = new Arguments([], named).bind('map', ['attribute', 'default'], 1);
    return new Generator(iterate(value, budget).map(attributeReader(attribute ?? NONE, budget, otherwise)));
  }
  const filter = filterOf(toText(name).text);
  const args = new Arguments(rest, named);
  return new Generator(iterate(value, budget).map((item) => filter(item, args, budget)));
}

function selecting(callee: string, keeps: boolean): Filter {
  return (value, { positional, named }, budget) => {
    const passes = predicate(positional, named, callee, budget);
    return new Generator(iterate(value, budget).filter((item) => passes(item) === keeps));
  };
}

function selectingByAttribute(callee: string, keeps: boolean): Filter {
  return (value, { positional, named }, budget) => {
    const [attribute, ...test] = positional;
    if (attribute === undefined) throw failed(`${callee} needs the name of an attribute`);
    const read = attributeReader(attribute, budget);
    const passes = predicate(test, named, callee, budget);
    return new Generator(iterate(value, budget).filter((item) => passes(read(item)) === keeps));
  };
}

/** The test by its name and with its argument; without a name, whether the value is true. */
function predicate(
  [name, ...args]: readonly Value[],
  named: ReadonlyMap<string, Value>,
  callee: string,
  budget: Budget,
): (value: Value) => boolean {
  if (named.size > 0) throw unsupported(`arguments with a name in ${callee}`);
  if (name === undefined) return isTrue;
  const test = testOf(toText(name).text);
  return (value) => test(value, args, budget);
}

/** `a.b` goes into nested values; numbers are indices. */
function attributeReader(attribute: Value, budget: Budget, otherwise?: Value): (value: Value) => Value {
  if (!(attribute instanceof MarkedText)) throw unsupported(`an attribute that is a ${typeName(attribute)}`);
  const keys = attribute.text.split('.').map((part) => (/^\d+$/u.test(part) ? Number(part) : written(part)));
  const read = (value: Value, key: Value): Value => {
    const found = itemOf(value, key, budget);
    return found instanceof Undefined && otherwise !== undefined ? otherwise : found;
  };
  return (value) => {
    budget.steps(keys.length);
    return keys.reduce<Value>(read, value);
  };
}
