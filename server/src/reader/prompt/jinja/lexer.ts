// A chat template to tokens, as jinja2 3.1.6 cuts it (lexer.py) with the options of transformers: a line end behind a statement or a
// comment goes, and so do blanks between the beginning of a line and one. Time is linear in the length of the template.
import { TemplateFault, unsupported } from './template-fault.js';
import { stringLiteral } from './string-literal.js';
import { innerRange, SPACES } from './white-space.js';

export type TokenKind =
  | 'data'
  | 'name'
  | 'string'
  | 'integer'
  | 'operator'
  | 'block_begin'
  | 'block_end'
  | 'variable_begin'
  | 'variable_end'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Of a string what it means, of everything else how it is spelt. */
  readonly value: string;
  readonly line: number;
}

const SPACE_RUN = new RegExp(`[${SPACES}]*`, 'y');
const RAW_BEGIN = new RegExp(`\\{%[-+]?[${SPACES}]*raw[${SPACES}]*(?:-%\\}[${SPACES}]*|%\\})`, 'y');
const RAW_END = new RegExp(
  `\\{%([-+]?)[${SPACES}]*endraw[${SPACES}]*(?:\\+%\\}|-%\\}[${SPACES}]*|%\\}\\n?)`,
  'g',
);
const TAG_BEGIN = /\{[{%#]/g;
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${SPACES}]*|#\\}\\n?`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}[${SPACES}]*|%\\}\\n?`, 'y');
const VARIABLE_END = new RegExp(`-\\}\\}[${SPACES}]*|\\}\\}`, 'y');

const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ['integer', /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ['name', /[A-Za-z_]\w*/y],
  ['string', /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y],
  ['operator', /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y],
];
const CLOSING: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);
const CLOSERS = new Set(CLOSING.values());

/** @throws TemplateFault */
export const cutTemplate = (source: string): Token[] => new Lexer(source).cut();

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** How far line ends are counted. */
  #countedTo = 0;

  constructor(source: string) {
    // Any line end is a line feed, and one at the end of the template is none of its text.
    this.#source = source.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
  }

  cut(): Token[] {
    while (this.#at < this.#source.length) this.#stretch();
    this.#add('end', '');
    return this.#tokens;
  }

  /** Text up to the next tag, and the tag. */
  #stretch(): void {
    const tag = this.#search(TAG_BEGIN);
    if (tag === undefined) {
      this.#addText(this.#source.slice(this.#at));
      this.#at = this.#source.length;
      return;
    }
    const sign = /[-+]/.exec(this.#source[tag.index + 2] ?? '')?.[0] ?? '';
    this.#addText(this.#trimmed(tag.index, sign, tag[0] !== '{{'));
    this.#at = tag.index;
    if (this.#take(RAW_BEGIN) !== undefined) {
      this.#raw();
      return;
    }
    this.#at += tag[0].length + sign.length;
    if (tag[0] === '{#') {
      this.#comment();
      return;
    }
    const isBlock = tag[0] === '{%';
    this.#add(isBlock ? 'block_begin' : 'variable_begin', tag[0]);
    this.#code(isBlock ? 'block_end' : 'variable_end', isBlock ? BLOCK_END : VARIABLE_END);
  }

  /** The text from here to a tag with this sign, without what the tag strips on its left. */
  #trimmed(end: number, sign: string, stripsLine: boolean): string {
    const text = this.#source.slice(this.#at, end);
    if (sign === '-') return text.slice(...innerRange(text, { left: false, right: true }));
    const lineAt = text.lastIndexOf('\n') + 1;
    const beginsLine = lineAt > 0 || this.#at === 0 || this.#source[this.#at - 1] === '\n';
    if (sign === '+' || !stripsLine || !beginsLine) return text;
    SPACE_RUN.lastIndex = lineAt;
    SPACE_RUN.test(text);
    return SPACE_RUN.lastIndex === text.length ? text.slice(0, lineAt) : text;
  }

  #raw(): void {
    const end = this.#search(RAW_END) ?? this.#fail('a raw block without an end');
    this.#addText(this.#trimmed(end.index, end[1] ?? '', true));
    this.#at = end.index + end[0].length;
  }

  #comment(): void {
    const end = this.#search(COMMENT_END) ?? this.#fail('a comment without an end');
    this.#at = end.index + end[0].length;
  }

  /** The tokens of a tag. Its end counts only where no bracket is open. */
  #code(endKind: TokenKind, end: RegExp): void {
    const open: string[] = [];
    for (;;) {
      this.#take(SPACE_RUN);
      const ended = open.length === 0 ? this.#take(end) : undefined;
      if (ended !== undefined) {
        this.#add(endKind, ended);
        return;
      }
      const operator = this.#token();
      const closing = CLOSING.get(operator);
      if (closing !== undefined) open.push(closing);
      else if (CLOSERS.has(operator) && open.pop() !== operator)
        this.#fail(`a ${operator} that closes nothing`);
    }
  }

  /** The next token; answers its spelling if it is an operator. */
  #token(): string {
    if (this.#at >= this.#source.length) this.#fail('a tag without an end');
    if (this.#take(FLOAT) !== undefined) throw unsupported('a number with a decimal point', this.#lineHere());
    for (const [kind, rule] of RULES) {
      const line = this.#lineHere();
      const spelling = this.#take(rule);
      if (spelling === undefined) continue;
      const value = kind === 'string' ? stringLiteral(spelling.slice(1, -1), line) : spelling;
      this.#tokens.push({ kind, value, line });
      return kind === 'operator' ? spelling : '';
    }
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0);
    return this.#fail(`the character ${JSON.stringify(character)} in a tag`);
  }

  #search(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source) ?? undefined;
  }

  #take(pattern: RegExp): string | undefined {
    const found = this.#search(pattern)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #addText(text: string): void {
    if (text !== '') this.#add('data', text);
  }

  #add(kind: TokenKind, value: string): void {
    this.#tokens.push({ kind, value, line: this.#lineHere() });
  }

  #lineHere(): number {
    for (; this.#countedTo < this.#at; this.#countedTo += 1)
      if (this.#source[this.#countedTo] === '\n') this.#line += 1;
    return this.#line;
  }

  #fail(what: string): never {
    throw new TemplateFault('failed', `it cannot be parsed: it has ${what}`, this.#lineHere());
  }
}
