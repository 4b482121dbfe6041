// A chat template to a syntax tree: the statements that jinja2 3.1.6 has with the extensions of transformers 5.18 (break, continue,
// generation). Blocks that chat templates have no use for are refused by name, with their line.
import { ExpressionParser } from './expression-parser.js';
import { validateName } from './globals.js';
import { cutTemplate } from './lexer.js';
import type { Expression, Parameter, Statement, Target } from './syntax.js';
import { TemplateFault, unsupported } from './template-fault.js';
import { TokenStream } from './token-stream.js';

/** The longest in use (for tools, of language models with hundreds of billions of weights) have 32 KB. */
export const MAX_TEMPLATE_CHARACTERS = 2 ** 17;

/** @throws TemplateFault unsupported, failed, too_large */
export function parseTemplate(source: string): readonly Statement[] {
  if (source.length > MAX_TEMPLATE_CHARACTERS)
    throw new TemplateFault(
      'too_large',
      `it has ${source.length} characters; ${MAX_TEMPLATE_CHARACTERS} are allowed`,
    );
  return new TemplateParser(new TokenStream(cutTemplate(source))).parse();
}

const REFUSED_TAGS = new Set(
  'autoescape block call do extends filter from import include print trans with'.split(' '),
);

class TemplateParser {
  readonly #stream: TokenStream;
  readonly #expressions: ExpressionParser;
  readonly #assigned = new Set<string>(['loop']);
  #loops = 0;

  constructor(stream: TokenStream) {
    this.#stream = stream;
    this.#expressions = new ExpressionParser(stream);
  }

  parse(): readonly Statement[] {
    const statements = this.#statements([]);
    for (const [name, line] of this.#expressions.names)
      if (!this.#assigned.has(name)) validateName(name, line);
    return statements;
  }

  /** Up to one of the tags, whose name is the current token then; up to the end of the template if there is none. */
  #statements(endTags: readonly string[]): Statement[] {
    return this.#stream.nested(() => {
      const statements: Statement[] = [];
      while (!this.#stream.is('end')) {
        const { kind, value, line } = this.#stream.next();
        if (kind === 'data') {
          statements.push({ kind: 'print', line, value: { kind: 'constant', value } });
        } else if (kind === 'variable_begin') {
          statements.push({ kind: 'print', line, value: this.#expressions.tuple() });
          this.#stream.expect('variable_end');
        } else {
          if (endTags.length > 0 && this.#stream.is('name', ...endTags)) return statements;
          statements.push(this.#statement());
          this.#stream.expect('block_end');
        }
      }
      if (endTags.length > 0) this.#stream.fail(`${endTags.join(' or ')} is expected`);
      return statements;
    });
  }

  /** What stands between the tag that is being read and its end, whose name is taken too. */
  #body(...endTags: readonly string[]): { readonly body: Statement[]; readonly endTag: string } {
    this.#stream.skip('operator', ':');
    this.#stream.expect('block_end');
    const body = this.#statements(endTags);
    return { body, endTag: this.#stream.next().value };
  }

  #statement(): Statement {
    const { value: tag, line } = this.#stream.expect('name');
    switch (tag) {
      case 'if':
        return this.#condition(line);
      case 'for':
        return this.#loop(line);
      case 'set':
        return this.#assignment(line);
      case 'macro':
        return this.#macro(line);
      case 'generation':
        return { kind: 'generation', line, body: this.#body('endgeneration').body };
      case 'break':
      case 'continue':
        if (this.#loops === 0) this.#stream.fail(`a loop around ${tag} is expected`);
        return { kind: tag, line };
      default:
        if (REFUSED_TAGS.has(tag)) throw unsupported(`the tag ${tag}`, line);
        throw new TemplateFault('failed', `it cannot be parsed: there is no tag ${tag} in Jinja`, line);
    }
  }

  #condition(line: number): Statement {
    const test = this.#expressions.tuple(() => this.#expressions.disjunction());
    const { body, endTag } = this.#body('elif', 'else', 'endif');
    const otherwise = this.#otherwise(endTag);
    return { kind: 'if', line, test, body, otherwise };
  }

  #otherwise(endTag: string): Statement[] {
    if (endTag === 'else') return this.#body('endif').body;
    return endTag === 'elif' ? [this.#stream.nested(() => this.#condition(this.#stream.current.line))] : [];
  }

  #loop(line: number): Statement {
    const target = this.#expressions.namesTarget();
    this.#assign(target);
    this.#stream.expect('name', 'in');
    const iterable = this.#expressions.tuple(() => this.#expressions.disjunction());
    const filter = this.#stream.skip('name', 'if') ? this.#expressions.expression() : null;
    if (this.#stream.is('name', 'recursive')) throw unsupported('a loop that calls itself (recursive)', line);
    this.#loops += 1;
    const { body, endTag } = this.#body('else', 'endfor');
    this.#loops -= 1;
    const otherwise = endTag === 'else' ? this.#body('endfor').body : [];
    return { kind: 'for', line, target, iterable, filter, body, otherwise };
  }

  #assignment(line: number): Statement {
    const target = this.#target();
    this.#assign(target);
    if (this.#stream.skip('operator', '='))
      return { kind: 'set', line, target, value: this.#expressions.tuple() };
    if (this.#stream.is('operator', '|')) throw unsupported('a filter of a set block', line);
    return { kind: 'capture', line, target, body: this.#body('endset').body };
  }

  #target(): Target {
    const target = this.#expressions.namesTarget();
    const [object] = target.names;
    if (target.isUnpacking || object === undefined || !this.#stream.skip('operator', '.')) return target;
    return { kind: 'attribute', object, name: this.#stream.expect('name').value };
  }

  #assign(target: Target): void {
    if (target.kind === 'names') for (const name of target.names) this.#assigned.add(name);
  }

  #macro(line: number): Statement {
    const name = this.#expressions.assignedName();
    const parameters = this.#parameters();
    for (const assigned of [name, ...parameters.map((parameter) => parameter.name)])
      this.#assigned.add(assigned);
    const loops = this.#loops;
    this.#loops = 0;
    const { body } = this.#body('endmacro');
    this.#loops = loops;
    return { kind: 'macro', line, name, parameters, body };
  }

  #parameters(): Parameter[] {
    const parameters: Parameter[] = [];
    this.#stream.expect('operator', '(');
    while (!this.#stream.skip('operator', ')')) {
      if (parameters.length > 0) this.#stream.expect('operator', ',');
      const name = this.#expressions.assignedName();
      const otherwise: Expression | null = this.#stream.skip('operator', '=')
        ? this.#expressions.expression()
        : null;
      if (otherwise === null && parameters.at(-1)?.otherwise)
        this.#stream.fail(`a default for ${name}, which stands behind one that has one, is expected`);
      parameters.push({ name, otherwise });
    }
    return parameters;
  }
}
