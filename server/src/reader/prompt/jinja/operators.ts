// The operators of templates on two values that are known, as Python has them for whole numbers, texts and lists.
import type { Budget } from './budget.js';
import { MarkedText } from './marked-text.js';
import type { ArithmeticOperator, ComparisonOperator } from './syntax.js';
import { failed, unsupported } from './template-fault.js';
import {
  compare,
  contains,
  isEqual,
  isNumeric,
  List,
  toText,
  typeName,
  wholeNumber,
  type Value,
} from './values.js';

export function holds(operator: ComparisonOperator, left: Value, right: Value, budget: Budget): boolean {
  switch (operator) {
    case '==':
      return isEqual(left, right, budget);
    case '!=':
      return !isEqual(left, right, budget);
    case '<':
      return compare(left, right, operator, budget) < 0;
    case '<=':
      return compare(left, right, operator, budget) <= 0;
    case '>':
      return compare(left, right, operator, budget) > 0;
    case '>=':
      return compare(left, right, operator, budget) >= 0;
    case 'in':
      return contains(right, left, budget);
    case 'not in':
      return !contains(right, left, budget);
  }
}

export function calculate(operator: ArithmeticOperator, left: Value, right: Value, budget: Budget): Value {
  switch (operator) {
    case '~':
      return concat(toText(left), toText(right), budget);
    case '+':
      return add(left, right, budget);
    case '*':
      return multiply(left, right, budget);
    case '%':
      if (left instanceof MarkedText) throw unsupported('formatting a text with %');
      return ofNumbers(operator, left, right);
    default:
      return ofNumbers(operator, left, right);
  }
}

function concat(left: MarkedText, right: MarkedText, budget: Budget): MarkedText {
  budget.make(left.text.length + right.text.length);
  return MarkedText.concat([left, right]);
}

function add(left: Value, right: Value, budget: Budget): Value {
  if (left instanceof MarkedText && right instanceof MarkedText) return concat(left, right, budget);
  if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
    budget.steps(left.items.length + right.items.length);
    return new List([...left.items, ...right.items], left.isTuple);
  }
  return ofNumbers('+', left, right);
}

function multiply(left: Value, right: Value, budget: Budget): Value {
  if (left instanceof MarkedText && isNumeric(right)) return repeated(left, Number(right), budget);
  if (right instanceof MarkedText && isNumeric(left)) return repeated(right, Number(left), budget);
  if (left instanceof List || right instanceof List) throw unsupported('repeating a list');
  return ofNumbers('*', left, right);
}

function repeated(text: MarkedText, times: number, budget: Budget): MarkedText {
  const count = Math.max(0, times);
  budget.make(text.text.length * count);
  // An empty text costs nothing, however often it is repeated.
  return text.text === '' ? text : MarkedText.concat(Array.from({ length: count }, () => text));
}

function ofNumbers(operator: '+' | '-' | '*' | '//' | '%', left: Value, right: Value): number {
  if (!isNumeric(left) || !isNumeric(right))
    throw failed(`${operator} is not defined between ${typeName(left)} and ${typeName(right)}`);
  const [a, b] = [Number(left), Number(right)];
  switch (operator) {
    case '+':
      return wholeNumber(a + b);
    case '-':
      return wholeNumber(a - b);
    case '*':
      return wholeNumber(a * b);
    case '//':
      return wholeNumber((a - modulo(a, b)) / b);
    case '%':
      return wholeNumber(modulo(a, b));
  }
}

/** Has the sign of the divisor, as in Python. */
function modulo(value: number, divisor: number): number {
  if (divisor === 0) throw failed('division by zero');
  const rest = value % divisor;
  return rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest;
}
