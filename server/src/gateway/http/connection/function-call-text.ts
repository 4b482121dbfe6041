// The text of an answer that must be the call of a function, as it comes: the name of the function, and its arguments as JSON. Where
// one function could be called only, the text is the arguments; otherwise it is {"name": …, "arguments": {…}}.

/** Up to the arguments. Names have no character that JSON would escape. */
const HEAD = /^\{"name": ?"([^"]*)", ?"arguments": ?(\{.*)$/su;

export class FunctionCallText {
  readonly #isWrapped: boolean;
  #name: string | null;
  /** Of the text before the arguments begin. */
  #head = '';
  readonly #arguments = new FirstObject();

  /** @param name of the only function that can be called; null where the text names it */
  constructor(name: string | null) {
    this.#isWrapped = name === null;
    this.#name = name;
  }

  /** Null until the text has named it. */
  get name(): string | null {
    return this.#name;
  }

  /** What the next part of the text adds to the arguments. */
  push(text: string): string {
    if (!this.#isWrapped) return text;
    if (this.#name !== null) return this.#arguments.push(text);
    this.#head += text;
    const [, name, begun] = HEAD.exec(this.#head) ?? [];
    if (name === undefined || begun === undefined) return '';
    this.#name = name;
    return this.#arguments.push(begun);
  }
}

/** The object that a JSON text begins with, without what follows it. */
class FirstObject {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isOver = false;

  push(text: string): string {
    let end = 0;
    while (end < text.length && !this.#isOver) {
      this.#take(text.charAt(end));
      end += 1;
    }
    return text.slice(0, end);
  }

  #take(character: string): void {
    if (this.#isInString) {
      if (!this.#isEscaped && character === '"') this.#isInString = false;
      this.#isEscaped = !this.#isEscaped && character === '\\';
    } else if (character === '"') this.#isInString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth -= 1;
      this.#isOver = this.#depth === 0;
    }
  }
}
