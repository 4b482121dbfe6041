// The tests (`is …`) that chat templates use. A test that is not here is refused by name.
import type { Budget } from './budget.js';
import { failed, unsupported } from './template-fault.js';
import { MarkedText } from './marked-text.js';
import {
  compare,
  contains,
  Dict,
  Generator,
  isEqual,
  List,
  NONE,
  toInteger,
  typeName,
  Undefined,
  type Value,
} from './values.js';

export type Test = (value: Value, args: readonly Value[], budget: Budget) => boolean;

/** A test that takes nothing. */
const plain =
  (test: (value: Value) => boolean): Test =>
  (value, args) => {
    if (args.length > 0) throw failed('a test has more arguments than it takes');
    return test(value);
  };

/** A test that takes one value to compare with. */
const against =
  (test: (value: Value, other: Value, budget: Budget) => boolean): Test =>
  (value, args, budget) => {
    const [other] = args;
    if (other === undefined || args.length > 1) throw failed('a test needs one argument');
    return test(value, other, budget);
  };

const EQUAL = against(isEqual);
const UNEQUAL = against((value, other, budget) => !isEqual(value, other, budget));
const ordered = (operator: string, holds: (order: number) => boolean): Test =>
  against((value, other, budget) => holds(compare(value, other, operator, budget)));
const LESS = ordered('<', (order) => order < 0);
const AT_MOST = ordered('<=', (order) => order <= 0);
const GREATER = ordered('>', (order) => order > 0);
const AT_LEAST = ordered('>=', (order) => order >= 0);

const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', plain((value) => !(value instanceof Undefined))],
  ['undefined', plain((value) => value instanceof Undefined)],
  ['none', plain((value) => value === NONE)],
  ['true', plain((value) => value === true)],
  ['false', plain((value) => value === false)],
  ['boolean', plain((value) => typeof value === 'boolean')],
  ['integer', plain((value) => typeof value === 'number')],
  ['number', plain((value) => typeof value === 'number' || typeof value === 'boolean')],
  ['string', plain((value) => value instanceof MarkedText)],
  ['mapping', plain((value) => value instanceof Dict)],
  ['sequence', plain((value) => isSequence(value))],
  ['iterable', plain((value) => isSequence(value) || value instanceof Generator)],
  ['odd', plain((value) => toInteger(value, 'an odd number') % 2 !== 0)],
  ['even', plain((value) => toInteger(value, 'an even number') % 2 === 0)],
  ['in', against((value, other, budget) => contains(other, value, budget))],
  ...names(EQUAL, 'equalto', 'eq', '=='),
  ...names(UNEQUAL, 'ne', '!='),
  ...names(LESS, 'lessthan', 'lt', '<'),
  ...names(AT_MOST, 'le', '<='),
  ...names(GREATER, 'greaterthan', 'gt', '>'),
  ...names(AT_LEAST, 'ge', '>='),
]);

function names(test: Test, ...spellings: readonly string[]): [string, Test][] {
  return spellings.map((spelling) => [spelling, test]);
}

export function testOf(name: string, line: number | null = null): Test {
  const test = TESTS.get(name);
  if (test === undefined) throw unsupported(`the test ${name}`, line);
  return test;
}

function isSequence(value: Value): boolean {
  if (value === NONE || typeof value === 'boolean' || typeof value === 'number') return false;
  if (value instanceof MarkedText || value instanceof List || value instanceof Dict) return true;
  if (value instanceof Generator) return false;
  throw unsupported(`asking whether a ${typeName(value)} is iterable`);
}
