// Finds what is wrong with a text that JSON.parse refused. One pass without recursion, so that a body of brackets costs no stack.
// It makes no values: JSON.parse alone decides what is JSON.

export interface JsonError {
  /** Both from 1; a column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** What stands there and what should, to follow "line 3, column 7: ". */
  readonly what: string;
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma or end' | 'end of text';

const EXPECTATIONS: Readonly<Record<Expected, string>> = {
  value: 'a value',
  'value or ]': 'a value or ]',
  name: 'a name in double quotes',
  'name or }': 'a name in double quotes or }',
  colon: 'a colon',
  'comma or end': 'a comma or the closing bracket',
  'end of text': 'the end of the text',
};

const BLANKS = ' \t\r\n';
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/uy;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/uy;

export function findJsonError(text: string): JsonError {
  const { offset, what } = new Scan(text).run();
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1, what };
}

interface Finding {
  readonly offset: number;
  readonly what: string;
}

class Scan {
  readonly #text: string;
  readonly #open: ('{' | '[')[] = [];
  #at = 0;
  #expected: Expected = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  run(): Finding {
    for (;;) {
      while (this.#at < this.#text.length && BLANKS.includes(this.#char())) this.#at += 1;
      const finding = this.#takeToken();
      if (finding !== undefined) return finding;
    }
  }

  #char(): string {
    return this.#text.charAt(this.#at);
  }

  /** Takes what is expected; otherwise tells what stands there. */
  #takeToken(): Finding | undefined {
    const char = this.#char();
    switch (this.#expected) {
      case 'value':
      case 'value or ]':
        if (char === ']' && this.#expected === 'value or ]') return this.#close();
        return this.#takeValue(char);
      case 'name':
      case 'name or }':
        if (char === '}' && this.#expected === 'name or }') return this.#close();
        return char === '"' ? this.#takeString('colon') : this.#unexpected();
      case 'colon':
        return char === ':' ? this.#step('value') : this.#unexpected();
      case 'comma or end': {
        const open = this.#open.at(-1);
        if (char === ',') return this.#step(open === '{' ? 'name' : 'value');
        return char === (open === '{' ? '}' : ']') ? this.#close() : this.#unexpected();
      }
      case 'end of text':
        return this.#unexpected();
    }
  }

  #takeValue(char: string): Finding | undefined {
    if (char === '{' || char === '[') {
      this.#open.push(char);
      return this.#step(char === '{' ? 'name or }' : 'value or ]');
    }
    if (char === '"') return this.#takeString(this.#afterValue());
    SCALAR.lastIndex = this.#at;
    const scalar = SCALAR.exec(this.#text)?.[0];
    if (scalar === undefined) return this.#unexpected();
    this.#at += scalar.length;
    this.#expected = this.#afterValue();
    return undefined;
  }

  #takeString(next: Expected): Finding | undefined {
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#char();
      if (char === '"') return this.#step(next);
      if (char < ' ') {
        const name = char === '\n' || char === '\r' ? 'a line break' : 'a control character';
        return this.#found(`${name} inside a string, where it is written with a backslash`);
      }
      if (char !== '\\') continue;
      ESCAPE.lastIndex = this.#at;
      const escape = ESCAPE.exec(this.#text)?.[0];
      if (escape === undefined) return this.#found('a backslash that begins no escape of JSON');
      this.#at += escape.length - 1;
    }
    return this.#found('the text ends inside a string');
  }

  #close(): Finding | undefined {
    this.#open.pop();
    return this.#step(this.#afterValue());
  }

  #afterValue(): Expected {
    return this.#open.length === 0 ? 'end of text' : 'comma or end';
  }

  #step(next: Expected): Finding | undefined {
    this.#at += 1;
    this.#expected = next;
    return undefined;
  }

  #unexpected(): Finding {
    const code = this.#text.codePointAt(this.#at);
    const got = code === undefined ? 'the text ends' : `${JSON.stringify(String.fromCodePoint(code))} stands`;
    return this.#found(`${got} where ${EXPECTATIONS[this.#expected]} should be`);
  }

  #found(what: string): Finding {
    return { offset: this.#at, what };
  }
}
