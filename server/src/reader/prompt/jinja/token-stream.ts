// The tokens of a template, taken one after the other, for the two parsers. Counts how deep the parsers are, because they call themselves.
import type { Token, TokenKind } from './lexer.js';
import { TemplateFault } from './template-fault.js';

/** Deeper than any template goes, and far from the end of the stack. */
const MAX_DEPTH = 100;

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  /** The last token is `end`. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.ahead(0);
  }

  /** The token so many behind the current one. */
  ahead(count: number): Token {
    return this.#tokens[this.#at + count] ?? { kind: 'end', value: '', line: this.#tokens.at(-1)?.line ?? 1 };
  }

  next(): Token {
    const token = this.current;
    this.#at += 1;
    return token;
  }

  is(kind: TokenKind, ...values: readonly string[]): boolean {
    return this.current.kind === kind && (values.length === 0 || values.includes(this.current.value));
  }

  skip(kind: TokenKind, value: string): boolean {
    const isThere = this.is(kind, value);
    if (isThere) this.#at += 1;
    return isThere;
  }

  expect(kind: TokenKind, value?: string): Token {
    if (this.current.kind !== kind || (value !== undefined && this.current.value !== value))
      this.fail(`${value ?? NAMES[kind]} is expected`);
    return this.next();
  }

  nested<T>(work: () => T): T {
    if (this.#depth >= MAX_DEPTH)
      throw new TemplateFault('too_large', `it nests deeper than ${MAX_DEPTH} levels`, this.current.line);
    this.#depth += 1;
    const result = work();
    this.#depth -= 1;
    return result;
  }

  /** `what` is a clause. */
  fail(what: string): never {
    const { kind, value, line } = this.current;
    const found = kind === 'end' ? 'it ends' : `there is ${JSON.stringify(value.slice(0, 40))}`;
    throw new TemplateFault('failed', `it cannot be parsed: ${what} where ${found}`, line);
  }
}

const NAMES: Readonly<Record<TokenKind, string>> = {
  data: 'text',
  name: 'a name',
  string: 'a string',
  integer: 'a number',
  operator: 'an operator',
  block_begin: '{%',
  block_end: '%}',
  variable_begin: '{{',
  variable_end: '}}',
  end: 'the end',
};
