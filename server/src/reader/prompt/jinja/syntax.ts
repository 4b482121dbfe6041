// The syntax tree of a template. Filters and tests are resolved while it is parsed, so that one that is not known is refused then.
import type { Filter } from './filters.js';
import type { Test } from './tests.js';

export interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
}

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';
export type ArithmeticOperator = '+' | '-' | '~' | '*' | '//' | '%';

export type Expression =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly isTuple: boolean }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  /** `object.attribute` */
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  /** `object[key]` */
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression }
  | {
      readonly kind: 'slice';
      readonly object: Expression;
      /** Start, stop and step. */
      readonly bounds: readonly (Expression | null)[];
    }
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: CallArguments }
  | {
      readonly kind: 'filter';
      readonly operand: Expression;
      readonly filter: Filter;
      readonly args: CallArguments;
    }
  | {
      readonly kind: 'test';
      readonly operand: Expression;
      readonly test: Test;
      readonly args: readonly Expression[];
    }
  | { readonly kind: 'not' | 'negative' | 'positive'; readonly operand: Expression }
  | {
      readonly kind: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** `first < a <= b`: each with the one before, up to the first that does not hold. */
  | {
      readonly kind: 'comparison';
      readonly first: Expression;
      readonly rest: readonly (readonly [ComparisonOperator, Expression])[];
    }
  /** `value if test else otherwise`; without an else it is undefined. */
  | {
      readonly kind: 'condition';
      readonly test: Expression;
      readonly value: Expression;
      readonly otherwise: Expression | null;
    };

export interface NamesTarget {
  readonly kind: 'names';
  readonly names: readonly string[];
  readonly isUnpacking: boolean;
}
export type Target =
  NamesTarget | { readonly kind: 'attribute'; readonly object: string; readonly name: string };

export interface Parameter {
  readonly name: string;
  readonly otherwise: Expression | null;
}

type StatementKind =
  /** Plain text is a constant that is printed. */
  | { readonly kind: 'print'; readonly value: Expression }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: 'for';
      readonly target: NamesTarget;
      readonly iterable: Expression;
      /** `for … in … if filter` */
      readonly filter: Expression | null;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  /** `{% set name %}…{% endset %}` */
  | { readonly kind: 'capture'; readonly target: Target; readonly body: readonly Statement[] }
  | {
      readonly kind: 'macro';
      readonly name: string;
      readonly parameters: readonly Parameter[];
      readonly body: readonly Statement[];
    }
  /** `{% generation %}`, with which transformers marks what an assistant said; it prints what is in it. */
  | { readonly kind: 'generation'; readonly body: readonly Statement[] }
  | { readonly kind: 'break' | 'continue' };

/** `line` is where it begins, from 1. */
export type Statement = StatementKind & { readonly line: number };
