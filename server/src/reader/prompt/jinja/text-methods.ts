// The methods of str that templates use, and the filters that do the same. Changing the case of anything outside ASCII is refused:
// Python and JavaScript know different versions of Unicode. Who calls has paid for going through the text.
import type { Arguments } from './arguments.js';
import type { Budget } from './budget.js';
import { MarkedText } from './marked-text.js';
import { failed, unsupported } from './template-fault.js';
import { iterate, List, NONE, toInteger, typeName, type Value } from './values.js';
import { innerRange, isSpace, SPACES, type Ends } from './white-space.js';

type TextMethod = (text: MarkedText, args: Arguments, budget: Budget) => Value;

const BOTH = { left: true, right: true };
const LEFT = { left: true, right: false };
const RIGHT = { left: false, right: true };

export const TEXT_METHODS: ReadonlyMap<string, TextMethod> = new Map<string, TextMethod>([
  ['strip', (text, args) => strip(text, args, 'strip', BOTH)],
  ['lstrip', (text, args) => strip(text, args, 'lstrip', LEFT)],
  ['rstrip', (text, args) => strip(text, args, 'rstrip', RIGHT)],
  ['upper', plain('upper', upper)],
  ['lower', plain('lower', lower)],
  ['capitalize', plain('capitalize', capitalize)],
  ['title', plain('title', (text) => inAscii(text, (ascii) => titled(ascii, /[A-Za-z]+/gu)))],
  ['startswith', (text, args) => hasAffix(text, args, 'startswith')],
  ['endswith', (text, args) => hasAffix(text, args, 'endswith')],
  ['split', split],
  ['replace', replace],
  ['join', (text, args, budget) => join(args.bind('join', ['iterable'], 1)[0] ?? NONE, text, budget)],
]);

function plain(name: string, change: (text: MarkedText) => MarkedText): TextMethod {
  return (text, args) => {
    args.bind(name, []);
    return change(text);
  };
}

export function upper(text: MarkedText): MarkedText {
  return inAscii(text, (ascii) => ascii.toUpperCase());
}

export function lower(text: MarkedText): MarkedText {
  return inAscii(text, (ascii) => ascii.toLowerCase());
}

export function capitalize(text: MarkedText): MarkedText {
  return inAscii(text, (ascii) => ascii.slice(0, 1).toUpperCase() + ascii.slice(1).toLowerCase());
}

/** The filter, which takes other places for the beginning of a word than the method does. */
export const titleFilter = (text: MarkedText): MarkedText =>
  inAscii(text, (ascii) => titled(ascii, /[^-\s\x1c-\x1f({[<]+/gu));

const titled = (text: string, words: RegExp): string =>
  text.replace(words, (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase());

function inAscii(text: MarkedText, change: (ascii: string) => string): MarkedText {
  if (/[^\0-\x7f]/u.test(text.text)) throw unsupported('changing the case of characters outside ASCII');
  return text.map(change);
}

function strip(text: MarkedText, args: Arguments, name: string, ends: Ends): MarkedText {
  const [characters] = args.bind(name, ['chars']);
  return stripped(text, ends, characters ?? NONE);
}

function stripped(text: MarkedText, ends: Ends, characters: Value): MarkedText {
  if (characters === NONE) return text.slice(...innerRange(text.text, ends, isSpace));
  const set = new Set(Array.from(textArgument(characters, 'the characters to strip').text));
  return text.slice(...innerRange(text.text, ends, (character) => set.has(character)));
}

export const trim = (text: MarkedText, characters: Value): MarkedText => stripped(text, BOTH, characters);

function hasAffix(text: MarkedText, args: Arguments, name: 'startswith' | 'endswith'): boolean {
  const [affix] = args.bind(name, ['prefix'], 1);
  const affixes = affix instanceof List && affix.isTuple ? affix.items : [affix ?? NONE];
  return affixes.some((one) => {
    const { text: wanted } = textArgument(one, `the argument of ${name}`);
    return name === 'startswith' ? text.text.startsWith(wanted) : text.text.endsWith(wanted);
  });
}

function split(text: MarkedText, args: Arguments, budget: Budget): Value {
  const [separator, limit] = args.bind('split', ['sep', 'maxsplit']);
  const most = limit === undefined ? -1 : toInteger(limit, 'maxsplit');
  if (separator === undefined || separator === NONE) return words(text, most);
  const { text: between } = textArgument(separator, 'the separator');
  if (between === '') throw failed('the separator of split is empty');
  budget.search(text.text.length, between.length);
  return new List(text.split(between, most < 0 ? undefined : most));
}

/** What stands between runs of white space. */
function words(text: MarkedText, most: number): List {
  if (most >= 0) throw unsupported('split at white space with a limit');
  return new List(text.matches(new RegExp(`[^${SPACES}]+`, 'gu')));
}

function replace(text: MarkedText, args: Arguments, budget: Budget): MarkedText {
  const [old, by, count] = args.bind('replace', ['old', 'new', 'count'], 2);
  return replaced(text, [old ?? NONE, by ?? NONE, count ?? NONE], budget);
}

export function replaced(
  text: MarkedText,
  [old, by, count]: readonly [old: Value, by: Value, count: Value],
  budget: Budget,
): MarkedText {
  const { text: sought } = textArgument(old, 'the text to replace');
  const replacement = textArgument(by, 'the replacement');
  const most = count === NONE ? -1 : toInteger(count, 'count');
  if (sought === '') throw unsupported('replacing an empty text');
  budget.search(text.text.length, sought.length);
  return joined(text.split(sought, most < 0 ? undefined : most), replacement, budget);
}

function join(items: Value, separator: MarkedText, budget: Budget): MarkedText {
  if (items instanceof MarkedText) throw unsupported('joining the characters of a str');
  const texts = iterate(items, budget).map((item) => textArgument(item, 'each item to join'));
  return joined(texts, separator, budget);
}

export function joined(texts: readonly MarkedText[], separator: MarkedText, budget: Budget): MarkedText {
  const separators = separator.text.length * Math.max(0, texts.length - 1);
  budget.make(texts.reduce((sum, { text }) => sum + text.length, separators));
  return MarkedText.join(texts, separator);
}

function textArgument(value: Value, what: string): MarkedText {
  if (value instanceof MarkedText) return value;
  throw failed(`${what} must be a str, not a ${typeName(value)}`);
}
