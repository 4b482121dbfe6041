// The expressions of a template, with the precedence that jinja2 3.1.6 gives them (parser.py). What cannot be evaluated here as in
// Python, and can be told by its spelling, is refused with its line.
import { validateMethod } from './attributes.js';
import { filterOf } from './filters.js';
import type {
  ArithmeticOperator,
  CallArguments,
  ComparisonOperator,
  Expression,
  NamesTarget,
} from './syntax.js';
import { unsupported } from './template-fault.js';
import { testOf } from './tests.js';
import type { TokenStream } from './token-stream.js';

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
const COMPARISONS: readonly ComparisonOperator[] = ['==', '!=', '<', '<=', '>', '>='];
const SUMS: readonly ArithmeticOperator[] = ['+', '-'];
const CONCATENATION: readonly ArithmeticOperator[] = ['~'];
const PRODUCTS: readonly ArithmeticOperator[] = ['*', '//', '%'];
/** What a test can have behind its name without brackets. */
const BEGINS_ARGUMENT = new Set(['name', 'string', 'integer']);
const BRACKETS = ['(', '[', '{'] as const;

export class ExpressionParser {
  readonly #stream: TokenStream;
  /** Names that are read, and the line of the first time. */
  readonly names = new Map<string, number>();

  constructor(stream: TokenStream) {
    this.#stream = stream;
  }

  expression(): Expression {
    return this.#stream.nested(() => {
      let value = this.disjunction();
      while (this.#stream.skip('name', 'if')) {
        const test = this.disjunction();
        const otherwise = this.#stream.skip('name', 'else') ? this.expression() : null;
        value = { kind: 'condition', test, value, otherwise };
      }
      return value;
    });
  }

  /** One expression, or a tuple of several. `one` reads an item. */
  tuple(one = () => this.expression()): Expression {
    const first = one();
    return this.#stream.is('operator', ',') ? this.#restOfTuple([first], one) : first;
  }

  /** An expression without a condition: what stands behind `in` of a loop. */
  disjunction(): Expression {
    let left = this.#conjunction();
    while (this.#stream.skip('name', 'or')) left = { kind: 'or', left, right: this.#conjunction() };
    return left;
  }

  arguments(): CallArguments {
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    this.#stream.expect('operator', '(');
    while (!this.#stream.skip('operator', ')')) {
      if (positional.length + named.length > 0) this.#stream.expect('operator', ',');
      if (this.#stream.skip('operator', ')')) break;
      if (this.#stream.is('operator', '*', '**')) throw this.#unsupported('arguments from a list or a dict');
      const [name, sign] = [this.#stream.current, this.#stream.ahead(1)];
      if (name.kind === 'name' && sign.kind === 'operator' && sign.value === '=') {
        this.#stream.next();
        this.#stream.next();
        named.push([name.value, this.expression()]);
      } else if (named.length > 0) this.#stream.fail('an argument with a name is expected');
      else positional.push(this.expression());
    }
    return { positional, named };
  }

  /** Names to assign to, with commas between several. */
  namesTarget(): NamesTarget {
    const names = [this.assignedName()];
    let isUnpacking = false;
    while (this.#stream.skip('operator', ',')) {
      isUnpacking = true;
      names.push(this.assignedName());
    }
    return { kind: 'names', names, isUnpacking };
  }

  assignedName(): string {
    if (this.#stream.is('operator')) throw this.#unsupported('assigning to something else than names');
    const name = this.#stream.expect('name');
    if (CONSTANTS.has(name.value)) this.#stream.fail(`a name that is not ${name.value} is expected`);
    return name.value;
  }

  #restOfTuple(items: Expression[], one: () => Expression): Expression {
    while (this.#stream.skip('operator', ',') && !this.#endsTuple()) items.push(one());
    return { kind: 'list', items, isTuple: true };
  }

  #endsTuple(): boolean {
    return (
      this.#stream.is('operator', ')') || this.#stream.is('block_end') || this.#stream.is('variable_end')
    );
  }

  #conjunction(): Expression {
    let left = this.#negation();
    while (this.#stream.skip('name', 'and')) left = { kind: 'and', left, right: this.#negation() };
    return left;
  }

  #negation(): Expression {
    if (!this.#stream.skip('name', 'not')) return this.#comparison();
    return { kind: 'not', operand: this.#stream.nested(() => this.#negation()) };
  }

  #comparison(): Expression {
    const first = this.#sum();
    const rest: [ComparisonOperator, Expression][] = [];
    for (;;) {
      const operator = this.#comparisonOperator();
      if (operator === undefined) return rest.length === 0 ? first : { kind: 'comparison', first, rest };
      rest.push([operator, this.#sum()]);
    }
  }

  #comparisonOperator(): ComparisonOperator | undefined {
    if (this.#stream.skip('name', 'in')) return 'in';
    const after = this.#stream.ahead(1);
    if (this.#stream.is('name', 'not') && after.kind === 'name' && after.value === 'in') {
      this.#stream.next();
      this.#stream.next();
      return 'not in';
    }
    return this.#operatorOf(COMPARISONS);
  }

  #operatorOf<Operator extends string>(known: readonly Operator[]): Operator | undefined {
    const operator = this.#stream.is('operator')
      ? known.find((one) => one === this.#stream.current.value)
      : undefined;
    if (operator !== undefined) this.#stream.next();
    return operator;
  }

  #sum(): Expression {
    return this.#chain(SUMS, () =>
      this.#chain(CONCATENATION, () => this.#chain(PRODUCTS, () => this.#factor())),
    );
  }

  #chain(operators: readonly ArithmeticOperator[], one: () => Expression): Expression {
    let left = one();
    for (;;) {
      const operator = this.#operatorOf(operators);
      if (operator === undefined) return left;
      left = { kind: 'arithmetic', operator, left, right: one() };
    }
  }

  #factor(): Expression {
    const factor = this.#filtered(this.#signed());
    if (this.#stream.is('operator', '/', '**'))
      throw this.#unsupported(`the operator ${this.#stream.current.value}`);
    return factor;
  }

  /** What stands behind a sign binds closer than the sign, but for filters and tests. */
  #signed(): Expression {
    for (const [sign, kind] of [
      ['-', 'negative'],
      ['+', 'positive'],
    ] as const)
      if (this.#stream.skip('operator', sign))
        return this.#postfixed({ kind, operand: this.#stream.nested(() => this.#signed()) });
    return this.#postfixed(this.primary());
  }

  primary(): Expression {
    const { kind, value, line } = this.#stream.current;
    if (kind === 'name') {
      this.#stream.next();
      const constant = CONSTANTS.get(value);
      if (constant !== undefined) return { kind: 'constant', value: constant };
      if (!this.names.has(value)) this.names.set(value, line);
      return { kind: 'name', name: value };
    }
    if (kind === 'string') return { kind: 'constant', value: this.#strings() };
    if (kind === 'integer') return this.#integer();
    if (this.#stream.skip('operator', '(')) return this.#parenthesised();
    if (this.#stream.skip('operator', '[')) return this.#list();
    return this.#stream.skip('operator', '{') ? this.#dict() : this.#stream.fail('a value is expected');
  }

  /** Neighbours are one string. */
  #strings(): string {
    let text = '';
    while (this.#stream.is('string')) text += this.#stream.next().value;
    return text;
  }

  #integer(): Expression {
    const value = Number(this.#stream.current.value.replaceAll('_', ''));
    if (!Number.isSafeInteger(value)) throw this.#unsupported('a number above 2^53');
    this.#stream.next();
    return { kind: 'constant', value };
  }

  #parenthesised(): Expression {
    const value: Expression = this.#stream.is('operator', ')')
      ? { kind: 'list', items: [], isTuple: true }
      : this.tuple();
    this.#stream.expect('operator', ')');
    return value;
  }

  #list(): Expression {
    const items: Expression[] = [];
    while (!this.#stream.skip('operator', ']')) {
      if (items.length > 0) this.#stream.expect('operator', ',');
      if (this.#stream.skip('operator', ']')) break;
      items.push(this.expression());
    }
    return { kind: 'list', items, isTuple: false };
  }

  #dict(): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.#stream.skip('operator', '}')) {
      if (entries.length > 0) this.#stream.expect('operator', ',');
      if (this.#stream.skip('operator', '}')) break;
      const key = this.expression();
      this.#stream.expect('operator', ':');
      entries.push([key, this.expression()]);
    }
    return { kind: 'dict', entries };
  }

  #postfixed(value: Expression): Expression {
    let object = value;
    for (;;) {
      if (this.#stream.skip('operator', '.')) object = this.#attribute(object);
      else if (this.#stream.skip('operator', '[')) object = this.#subscript(object);
      else if (this.#stream.is('operator', '(')) object = this.#call(object);
      else return object;
    }
  }

  #attribute(object: Expression): Expression {
    if (this.#stream.is('integer')) return { kind: 'item', object, key: this.#integer() };
    return { kind: 'attribute', object, name: this.#stream.expect('name').value };
  }

  #subscript(object: Expression): Expression {
    if (this.#stream.is('operator', ']')) throw this.#unsupported('an empty index');
    const start = this.#stream.is('operator', ':') ? null : this.expression();
    if (start !== null && this.#stream.skip('operator', ']')) return { kind: 'item', object, key: start };
    const bounds = [start];
    while (bounds.length < 3 && this.#stream.skip('operator', ':'))
      bounds.push(this.#stream.is('operator', ':', ']') ? null : this.expression());
    if (this.#stream.is('operator', ',')) throw this.#unsupported('an index of several values');
    this.#stream.expect('operator', ']');
    return { kind: 'slice', object, bounds };
  }

  #call(callee: Expression): Expression {
    if (callee.kind === 'attribute') validateMethod(callee.name, this.#stream.current.line);
    return { kind: 'call', callee, args: this.arguments() };
  }

  #filtered(value: Expression): Expression {
    let operand = value;
    for (;;) {
      if (this.#stream.skip('operator', '|')) operand = this.#filter(operand);
      else if (this.#stream.skip('name', 'is')) operand = this.#test(operand);
      else if (this.#stream.is('operator', '(')) operand = this.#call(operand);
      else return operand;
    }
  }

  #filter(operand: Expression): Expression {
    const { value, line } = this.#stream.expect('name');
    const args = this.#stream.is('operator', '(') ? this.arguments() : { positional: [], named: [] };
    return { kind: 'filter', operand, filter: filterOf(value, line), args };
  }

  #test(operand: Expression): Expression {
    const isNegated = this.#stream.skip('name', 'not');
    const { value, line } = this.#stream.expect('name');
    const test: Expression = {
      kind: 'test',
      operand,
      test: testOf(value, line),
      args: this.#testArguments(),
    };
    return isNegated ? { kind: 'not', operand: test } : test;
  }

  #testArguments(): readonly Expression[] {
    const { kind, value } = this.#stream.current;
    if (this.#stream.is('operator', '(')) {
      const { positional, named } = this.arguments();
      if (named.length > 0) throw this.#unsupported('an argument with a name in a test');
      return positional;
    }
    const isArgument = BEGINS_ARGUMENT.has(kind) || this.#stream.is('operator', ...BRACKETS);
    if (!isArgument || (kind === 'name' && ['else', 'or', 'and'].includes(value))) return [];
    if (this.#stream.is('name', 'is')) this.#stream.fail('one test at a time is expected');
    return [this.#postfixed(this.primary())];
  }

  #unsupported(what: string): Error {
    return unsupported(what, this.#stream.current.line);
  }
}
