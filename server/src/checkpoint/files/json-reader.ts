// A second reading of JSON that JSON.parse did not take, or of which a place is asked for: finds the line and column of what is wrong, and
// takes what Python's json module writes and people leave behind (NaN, Infinity, a comma after the last entry), each noted with its
// place. Recursive descent with a ceiling on depth; strings are decoded by JSON.parse itself,
// and nothing is matched by a pattern whose cost grows with the file.
import { malformed } from '../failures.js';

export type JsonPath = readonly (string | number)[];

interface JsonOddity {
  /** Keys and indices down to the value. */
  readonly path: JsonPath;
  readonly line: number;
  /** What is odd, to follow "… (line 3) ". */
  readonly what: string;
}

export interface JsonReading {
  readonly value: unknown;
  readonly oddities: readonly JsonOddity[];
  /** How many more there are than are listed. */
  readonly furtherOddities: number;
  /** Line of the value at a path, from 1; undefined when there is no such value, or it lies too deep to be kept. */
  lineOf(path: JsonPath): number | undefined;
}

/** Configurations nest some five levels deep; this stops a file of brackets. */
const MAX_DEPTH = 256;
/** Oddities that are listed: finding a line costs a walk through the file. */
const MAX_LISTED = 5;
/** Places are kept for values this deep: `text_config.rope_scaling.factor` has three. */
const KEPT_DEPTH = 4;
/** Python writes integers of any length; more digits than this are no number that anybody means. */
const MAX_NUMBER_CHARACTERS = 1024;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NUMBER_CHARACTERS = '0123456789+-.eE';
const BLANKS = ' \t\r\n';
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const PYTHON_WORDS: readonly (readonly [string, number])[] = [
  ['NaN', NaN],
  ['-Infinity', -Infinity],
  ['Infinity', Infinity],
];

/** @throws CheckpointError checkpoint.malformed with line and column */
export function readJson(text: string, file: string): JsonReading {
  return new JsonReader(text, file).read();
}

class JsonReader {
  readonly #text: string;
  readonly #file: string;
  readonly #path: (string | number)[] = [];
  readonly #oddities: JsonOddity[] = [];
  readonly #offsets = new Map<string, number>();
  #oddityCount = 0;
  #at = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  read(): JsonReading {
    if (this.#text.trim() === '')
      throw malformed(this.#file, 'The text is not valid JSON: the file is empty.');
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the file');
    return {
      value,
      oddities: this.#oddities,
      furtherOddities: this.#oddityCount - this.#oddities.length,
      lineOf: (path) => {
        const offset = this.#offsets.get(keyOf(path));
        return offset === undefined ? undefined : this.#lineAt(offset);
      },
    };
  }

  #value(): unknown {
    this.#skipBlanks();
    if (this.#path.length > MAX_DEPTH) throw this.#unexpected(`at most ${MAX_DEPTH} levels`);
    if (this.#path.length <= KEPT_DEPTH) this.#offsets.set(keyOf(this.#path), this.#at);
    const value = this.#bareValue();
    this.#skipBlanks();
    return value;
  }

  #bareValue(): unknown {
    switch (this.#text[this.#at]) {
      case '{':
        return Object.fromEntries(this.#members('}', () => this.#member()));
      case '[':
        return this.#members(']', (index) => this.#inside(index, () => this.#value()));
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #members<T>(close: '}' | ']', member: (index: number) => T): T[] {
    const members: T[] = [];
    this.#at += 1;
    this.#skipBlanks();
    while (!this.#takes(close)) {
      members.push(member(members.length));
      this.#skipBlanks();
      if (this.#takes(close)) break;
      if (!this.#takes(',')) throw this.#unexpected(`a comma or ${close}`);
      this.#skipBlanks();
      if (this.#text[this.#at] === close)
        this.#note('ends with a comma, which JSON does not allow; it is passed over');
    }
    return members;
  }

  #member(): [string, unknown] {
    if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in double quotes');
    const key = this.#string();
    this.#skipBlanks();
    if (!this.#takes(':')) throw this.#unexpected('a colon');
    return [key, this.#inside(key, () => this.#value())];
  }

  #inside<T>(step: string | number, read: () => T): T {
    this.#path.push(step);
    const value = read();
    this.#path.pop();
    return value;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw this.#unexpected('a text that ends with a double quote');
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return String(value);
    } catch {
      // A control character or an escape that does not exist; which one, people see at the place that is named.
      throw this.#unexpected('a text without control characters and with known escapes');
    }
  }

  /** Whether an odd number of backslashes stands before the character. */
  #isEscaped(offset: number): boolean {
    let first = offset;
    while (this.#text[first - 1] === '\\') first -= 1;
    return (offset - first) % 2 === 1;
  }

  #scalar(): unknown {
    const word = [...WORDS, ...PYTHON_WORDS].find(([spelling]) => this.#text.startsWith(spelling, this.#at));
    if (word !== undefined) {
      const [spelling, value] = word;
      if (typeof value === 'number')
        this.#note(`is ${spelling}, which JSON does not have; it is read as Python writes it`);
      this.#at += spelling.length;
      return value;
    }
    let end = this.#at;
    while (end - this.#at < MAX_NUMBER_CHARACTERS && NUMBER_CHARACTERS.includes(this.#text[end] ?? ' '))
      end += 1;
    const number = this.#text.slice(this.#at, end);
    if (!NUMBER.test(number)) throw this.#unexpected('a value');
    this.#at = end;
    return Number(number);
  }

  #takes(character: string): boolean {
    const isThere = this.#text[this.#at] === character;
    if (isThere) this.#at += 1;
    return isThere;
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && BLANKS.includes(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #note(what: string): void {
    this.#oddityCount += 1;
    if (this.#oddityCount <= MAX_LISTED)
      this.#oddities.push({ path: [...this.#path], line: this.#lineAt(this.#at), what });
  }

  #unexpected(wanted: string) {
    const before = this.#text.slice(0, this.#at);
    const column = this.#at - before.lastIndexOf('\n');
    return malformed(
      this.#file,
      `The text is not valid JSON: line ${this.#lineAt(this.#at)}, column ${column}: expected ${wanted}.`,
    );
  }

  #lineAt(offset: number): number {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at !== -1 && at < offset; at = this.#text.indexOf('\n', at + 1))
      line += 1;
    return line;
  }
}

const keyOf = (path: JsonPath): string => path.join('\0');
