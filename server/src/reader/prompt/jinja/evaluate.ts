// Evaluates the syntax tree of a chat template with the meaning that Python's Jinja gives it in transformers (ImmutableSandboxedEnvironment
// with loop controls). Reaches nothing but the values that it is handed, and stops when its budget is spent.
import { Arguments } from './arguments.js';
import { attributeOf, itemOf, sliceOf } from './attributes.js';
import type { Budget } from './budget.js';
import { GLOBALS } from './globals.js';
import { LoopValue } from './loop-value.js';
import { MarkedText } from './marked-text.js';
import { calculate, holds } from './operators.js';
import { Scope } from './scope.js';
import type { CallArguments, Expression, Statement, Target } from './syntax.js';
import { failed, TemplateFault, unsupported } from './template-fault.js';
import {
  Callable,
  Dict,
  isTrue,
  iterate,
  List,
  Namespace,
  NONE,
  toInteger,
  toText,
  typeName,
  Undefined,
  wholeNumber,
  written,
  type Value,
} from './values.js';

/** How a list of statements ended. */
type Ending = 'done' | 'break' | 'continue';
type ExpressionOf<Kind extends Expression['kind']> = Extract<Expression, { readonly kind: Kind }>;
type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { readonly kind: Kind }>;

/** @throws TemplateFault */
export function evaluateTemplate(
  template: readonly Statement[],
  variables: ReadonlyMap<string, Value>,
  budget: Budget,
): MarkedText {
  const scope = new Scope(Scope.of([...GLOBALS, ...variables]));
  return new Evaluation(budget).capture(template, scope);
}

class Evaluation {
  readonly #budget: Budget;
  readonly #output: MarkedText[] = [];

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** What the statements print. */
  capture(statements: readonly Statement[], scope: Scope): MarkedText {
    const inner = new Evaluation(this.#budget);
    inner.#run(statements, scope);
    return MarkedText.concat(inner.#output);
  }

  #run(statements: readonly Statement[], scope: Scope): Ending {
    for (const statement of statements) {
      const ending = this.#budget.nested(() => this.#placed(statement, scope));
      if (ending !== 'done') return ending;
    }
    return 'done';
  }

  #placed(statement: Statement, scope: Scope): Ending {
    try {
      return this.#statement(statement, scope);
    } catch (error) {
      throw error instanceof TemplateFault ? error.at(statement.line) : error;
    }
  }

  #statement(statement: Statement, scope: Scope): Ending {
    switch (statement.kind) {
      case 'print':
        this.#print(toText(this.#value(statement.value, scope)));
        return 'done';
      case 'if':
        return this.#run(
          isTrue(this.#value(statement.test, scope)) ? statement.body : statement.otherwise,
          scope,
        );
      case 'for':
        return this.#loop(statement, scope);
      case 'set':
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return 'done';
      case 'capture':
        this.#assign(statement.target, this.capture(statement.body, new Scope(scope)), scope);
        return 'done';
      case 'macro':
        scope.set(statement.name, this.#macro(statement, scope));
        return 'done';
      case 'generation':
        this.#print(this.capture(statement.body, new Scope(scope)));
        return 'done';
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  #print(text: MarkedText): void {
    this.#budget.make(text.text.length);
    this.#output.push(text);
  }

  #loop(statement: StatementOf<'for'>, scope: Scope): Ending {
    const { target, filter } = statement;
    const roundScope = (item: Value): Scope => {
      const inner = new Scope(scope);
      this.#assign(target, item, inner);
      return inner;
    };
    const all = iterate(this.#value(statement.iterable, scope), this.#budget);
    const items = filter === null ? all : all.filter((item) => isTrue(this.#value(filter, roundScope(item))));
    let hasFinishedRound = false;
    for (const [index, item] of items.entries()) {
      this.#budget.steps(1);
      const inner = roundScope(item);
      inner.set('loop', new LoopValue(items, index));
      const ending = this.#run(statement.body, inner);
      hasFinishedRound ||= ending === 'done';
      if (ending === 'break') break;
    }
    // Not as Python's own for: Jinja takes the else unless a round came to its end.
    return hasFinishedRound ? 'done' : this.#run(statement.otherwise, new Scope(scope));
  }

  #macro({ name, parameters, body }: StatementOf<'macro'>, scope: Scope): Callable {
    const names = parameters.map((parameter) => parameter.name);
    return new Callable(name, (args) => {
      const given = args.bind(name, names);
      const inner = new Scope(scope);
      for (const [index, { name: parameter, otherwise }] of parameters.entries()) {
        const missing = () => (otherwise === null ? new Undefined(parameter) : this.#value(otherwise, inner));
        inner.set(parameter, given[index] ?? missing());
      }
      return this.capture(body, inner);
    });
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'attribute') {
      const namespace = scope.get(target.object);
      if (!(namespace instanceof Namespace))
        throw failed(`${target.object} is no namespace, so its attributes cannot be set`);
      namespace.attributes.set(target.name, value);
      return;
    }
    if (!target.isUnpacking) {
      for (const name of target.names) scope.set(name, value);
      return;
    }
    const items = iterate(value, this.#budget);
    if (items.length !== target.names.length)
      throw failed(`${items.length} values cannot be unpacked into ${target.names.length} names`);
    for (const [index, name] of target.names.entries()) scope.set(name, items[index] ?? NONE);
  }

  #value(expression: Expression, scope: Scope): Value {
    return this.#budget.nested(() => this.#evaluated(expression, scope));
  }

  #evaluated(expression: Expression, scope: Scope): Value {
    switch (expression.kind) {
      case 'constant':
        return constant(expression.value);
      case 'name':
        return scope.get(expression.name);
      case 'list':
        return new List(this.#all(expression.items, scope), expression.isTuple);
      case 'dict':
        return this.#dict(expression.entries, scope);
      case 'attribute':
        return attributeOf(this.#value(expression.object, scope), expression.name);
      case 'item':
        return itemOf(
          this.#value(expression.object, scope),
          this.#value(expression.key, scope),
          this.#budget,
        );
      case 'slice':
        return this.#slice(expression, scope);
      case 'call':
        return this.#call(expression, scope);
      default:
        return this.#operation(expression, scope);
    }
  }

  #operation(
    expression: ExpressionOf<
      | 'filter'
      | 'test'
      | 'not'
      | 'negative'
      | 'positive'
      | 'and'
      | 'or'
      | 'arithmetic'
      | 'comparison'
      | 'condition'
    >,
    scope: Scope,
  ): Value {
    const value = (part: Expression) => this.#value(part, scope);
    switch (expression.kind) {
      case 'filter':
        return expression.filter(
          value(expression.operand),
          this.#arguments(expression.args, scope),
          this.#budget,
        );
      case 'test':
        return expression.test(value(expression.operand), expression.args.map(value), this.#budget);
      case 'not':
        return !isTrue(value(expression.operand));
      case 'negative':
        return wholeNumber(-toInteger(value(expression.operand), 'what stands behind a -'));
      case 'positive':
        return toInteger(value(expression.operand), 'what stands behind a +');
      case 'and':
      case 'or': {
        const first = value(expression.left);
        return isTrue(first) === (expression.kind === 'or') ? first : value(expression.right);
      }
      case 'arithmetic': {
        const { operator, left, right } = expression;
        return calculate(operator, value(left), value(right), this.#budget);
      }
      case 'comparison':
        return this.#comparison(expression, scope);
      case 'condition':
        return this.#condition(expression, scope);
    }
  }

  #all(expressions: readonly Expression[], scope: Scope): Value[] {
    return expressions.map((expression) => this.#value(expression, scope));
  }

  #dict(entries: readonly (readonly [Expression, Expression])[], scope: Scope): Dict {
    return new Dict(
      new Map(
        entries.map(([key, value]) => {
          const name = this.#value(key, scope);
          if (!(name instanceof MarkedText)) throw unsupported(`a key of a dict that is a ${typeName(name)}`);
          return [name.text, this.#value(value, scope)];
        }),
      ),
    );
  }

  #comparison({ first, rest }: ExpressionOf<'comparison'>, scope: Scope): boolean {
    let left = this.#value(first, scope);
    for (const [operator, operand] of rest) {
      const right = this.#value(operand, scope);
      if (!holds(operator, left, right, this.#budget)) return false;
      left = right;
    }
    return true;
  }

  #condition({ test, value, otherwise }: ExpressionOf<'condition'>, scope: Scope): Value {
    if (isTrue(this.#value(test, scope))) return this.#value(value, scope);
    return otherwise === null ? new Undefined('a condition without an else') : this.#value(otherwise, scope);
  }

  #slice({ object, bounds }: ExpressionOf<'slice'>, scope: Scope): Value {
    const sliced = this.#value(object, scope);
    const numbers = bounds.map((bound) => {
      const value = bound === null ? NONE : this.#value(bound, scope);
      return value === NONE ? null : toInteger(value, 'a bound of a slice');
    });
    return sliceOf(sliced, numbers, this.#budget);
  }

  #call({ callee, args }: ExpressionOf<'call'>, scope: Scope): Value {
    const called = this.#value(callee, scope);
    if (called instanceof Callable) return called.call(this.#arguments(args, scope), this.#budget);
    if (called instanceof Undefined) throw failed(`${called.what} is undefined, so it cannot be called`);
    throw failed(`a ${typeName(called)} cannot be called`);
  }

  #arguments({ positional, named }: CallArguments, scope: Scope): Arguments {
    return new Arguments(
      this.#all(positional, scope),
      new Map(named.map(([name, value]) => [name, this.#value(value, scope)])),
    );
  }
}

function constant(value: string | number | boolean | null): Value {
  if (value === null) return NONE;
  return typeof value === 'string' ? written(value) : value;
}
