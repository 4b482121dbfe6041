// Regular expressions as clients write them to regular expressions as llguidance reads them. The words are the same, their meaning is
// not: \d is ten digits for clients and hundreds in Rust, a blank class is an error for some, nested classes exist for others. So
// every atom is written anew, and what has no equal is refused by name instead of being matched otherwise. Counts meet a bound,
// because nested ones multiply.
import type { InputError } from '../../errors.js';
import { tooLarge, unsupported } from './refusal.js';

export type PatternDialect = 'takeoff' | 'json_schema';

interface Meaning {
  /** What `.` is. */
  readonly dot: string;
  /** Members of \s. */
  readonly blanks: string;
  /** What no negated class contains besides. */
  readonly neverNegated: string;
  /** Whether a pattern describes all of a text; otherwise a part of it, unless anchored. */
  readonly isWhole: boolean;
}

/**
 * llguidance writes texts of JSON with escapes. For a class that holds all control characters it lets every short escape through, \"
 * and \\ too, whether the class has them or not; so no class in a schema holds them.
 */
const CONTROL = '\\x{0}-\\x{1F}';
const LAST_CONTROL = 0x1f;
const ASCII_BLANKS = '\\x{9}-\\x{D}\\x{20}';
const MEANINGS: Record<PatternDialect, Meaning> = {
  // interegular, whose classes are ASCII.
  takeoff: { dot: '[^\\n]', blanks: ASCII_BLANKS, neverNegated: '', isWhole: true },
  // ECMA-262 with the flag u, as JSON Schema has it.
  json_schema: {
    dot: `[^${CONTROL}\\x{2028}\\x{2029}]`,
    neverNegated: CONTROL,
    blanks: `${ASCII_BLANKS}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}`,
    isWhole: false,
  },
};

/** Of all counts that stand inside each other. Each repetition is a state; real patterns have tens. */
export const MAX_REPETITIONS = 10_000;
/** Real patterns have a few; each is a level of recursion in the compiler. */
export const MAX_GROUP_DEPTH = 32;
export const MAX_PATTERN_CHARACTERS = 16_384;

const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };
const DIGITS = '0-9';
const WORD = '0-9A-Za-z_';
const GROUP_NAMES: readonly (readonly [start: string, name: string])[] = [
  ['(?=', 'look-ahead'],
  ['(?!', 'look-ahead'],
  ['(?<=', 'look-behind'],
  ['(?<!', 'look-behind'],
  ['(?>', 'an atomic group'],
  ['(?(', 'a conditional'],
  ['(?#', 'a comment'],
  ['(?P=', 'a reference to a group'],
];

/**
 * @param field that the pattern stands in, for refusals
 * @throws InputError request.constraint_unsupported, request.constraint_too_large
 */
export function translatePattern(pattern: string, dialect: PatternDialect, field: string): string {
  if (pattern.length > MAX_PATTERN_CHARACTERS)
    throw tooLarge(field, `has ${pattern.length} characters`, MAX_PATTERN_CHARACTERS);
  return new Translation(pattern, MEANINGS[dialect], field).translate();
}

/** A pattern that matches one of the texts. */
export const patternOfChoices = (choices: readonly string[]): string =>
  choices.map((choice) => Array.from(choice, literal).join('')).join('|');

const literal = (character: string): string =>
  /^[A-Za-z0-9]$/.test(character) ? character : `\\x{${codePoint(character).toString(16).toUpperCase()}}`;
const codePoint = (character: string): number => character.codePointAt(0) ?? 0;

class Translation {
  readonly #characters: readonly string[];
  readonly #meaning: Meaning;
  readonly #field: string;
  #at = 0;
  #depth = 0;
  #hasAnchor = false;

  constructor(pattern: string, meaning: Meaning, field: string) {
    this.#characters = Array.from(pattern);
    this.#meaning = meaning;
    this.#field = field;
  }

  translate(): string {
    const isStart = this.#takeAnchor('^');
    const { text, hasAlternatives } = this.#alternatives();
    if (this.#peek() === ')') throw this.#refuse('a ) without its (');
    if (hasAlternatives && this.#hasAnchor)
      throw this.#refuse('an anchor beside a | that is in no group; write ^(…|…)$');
    if (this.#meaning.isWhole) return text;
    return `${isStart ? '^' : ''}(?:${text})${this.#endsAnchored ? '$' : ''}`;
  }

  #endsAnchored = false;

  #takeAnchor(anchor: string): boolean {
    if (this.#peek() !== anchor) return false;
    this.#at += 1;
    this.#hasAnchor = true;
    return true;
  }

  /** Up to the end or a closing parenthesis. */
  #alternatives(): {
    readonly text: string;
    readonly hasAlternatives: boolean;
    readonly repetitions: number;
  } {
    let text = '';
    let hasAlternatives = false;
    let repetitions = 1;
    for (let next = this.#peek(); next !== undefined && next !== ')'; next = this.#peek()) {
      if (next === '|') {
        this.#at += 1;
        hasAlternatives = true;
        text += '|';
      } else if (next === '$' && this.#at === this.#characters.length - 1) {
        this.#endsAnchored = this.#takeAnchor('$');
      } else {
        const piece = this.#piece();
        text += piece.text;
        repetitions = Math.max(repetitions, piece.repetitions);
      }
    }
    return { text, hasAlternatives, repetitions };
  }

  /** An atom and its quantifier. */
  #piece(): { readonly text: string; readonly repetitions: number } {
    const atom = this.#atom();
    const { text, most } = this.#quantifier();
    const repetitions = atom.repetitions * most;
    if (repetitions > MAX_REPETITIONS)
      throw tooLarge(this.#field, `repeats something up to ${repetitions} times`, MAX_REPETITIONS);
    return { text: atom.text + text, repetitions };
  }

  #atom(): { readonly text: string; readonly repetitions: number } {
    const next = this.#take();
    switch (next) {
      case '(':
        return this.#group();
      case '[':
        return { text: this.#class(), repetitions: 1 };
      case '.':
        return { text: this.#meaning.dot, repetitions: 1 };
      case '\\': {
        const escape = this.#escape();
        return { text: escape.kind === 'class' ? escape.text : literal(escape.character), repetitions: 1 };
      }
      case '^':
      case '$':
        throw this.#refuse(`the anchor ${next} in the middle`);
      case '*':
      case '+':
      case '?':
        throw this.#refuse(`a ${next} with nothing before it`);
      default:
        return { text: literal(next), repetitions: 1 };
    }
  }

  #group(): { readonly text: string; readonly repetitions: number } {
    const start = this.#characters.slice(this.#at - 1, this.#at + 3).join('');
    const refused = GROUP_NAMES.find(([prefix]) => start.startsWith(prefix));
    if (refused !== undefined) throw this.#refuse(`${refused[1]}, ${refused[0]}…)`);
    if (start.startsWith('(?')) this.#groupStart(start);
    this.#depth += 1;
    if (this.#depth > MAX_GROUP_DEPTH)
      throw tooLarge(this.#field, 'nests groups more deeply', MAX_GROUP_DEPTH);
    const { text, repetitions } = this.#alternatives();
    if (this.#peek() !== ')') throw this.#refuse('a ( without its )');
    this.#at += 1;
    this.#depth -= 1;
    return { text: `(?:${text})`, repetitions };
  }

  /** Skips `?:`, `?P<name>` or `?<name>`: who captures what does not matter. */
  #groupStart(start: string): void {
    if (start.startsWith('(?:')) {
      this.#at += 2;
      return;
    }
    const rest = this.#characters.slice(this.#at).join('');
    const name = /^\?P?<[A-Za-z_][A-Za-z0-9_]*>/.exec(rest);
    if (name === null) throw this.#refuse(`a group that begins with ${start}; flags cannot be set`);
    this.#at += name[0].length;
  }

  #quantifier(): { readonly text: string; readonly most: number } {
    const next = this.#peek();
    let found: { readonly text: string; readonly most: number } | undefined;
    if (next === '*' || next === '+' || next === '?') {
      this.#at += 1;
      found = { text: next, most: 1 };
    } else if (next === '{') found = this.#counts();
    if (found === undefined) return { text: '', most: 1 };
    const mode = this.#peek();
    // Lazy or not, the same texts match.
    if (mode === '?') this.#at += 1;
    if (mode === '+') throw this.#refuse('a possessive quantifier');
    if (mode === '*' || mode === '{') throw this.#refuse('a quantifier behind a quantifier');
    return found;
  }

  #counts(): { readonly text: string; readonly most: number } {
    const rest = this.#characters.slice(this.#at, this.#at + 24).join('');
    const [whole, least = '', comma, most = ''] = /^\{(\d{0,9})(,?)(\d{0,9})\}/.exec(rest) ?? [];
    if (whole === undefined || (least === '' && most === ''))
      throw this.#refuse('a { that begins no count; write \\{ for the character');
    this.#at += whole.length;
    const from = Number(least);
    const to = most === '' ? from : Number(most);
    if (to < from) throw this.#refuse(`the count ${whole}`);
    return { text: `{${from}${comma ?? ''}${most}}`, most: Math.max(1, to) };
  }

  #class(): string {
    const isNegated = this.#peek() === '^';
    if (isNegated) this.#at += 1;
    if (this.#peek() === ']') throw this.#refuse('a class that begins with ]; write \\] for the character');
    let members = '';
    while (this.#peek() !== ']') members += this.#member();
    this.#at += 1;
    return isNegated ? `[^${members}${this.#meaning.neverNegated}]` : `[${members}]`;
  }

  #member(): string {
    const first = this.#classAtom();
    if (first.kind === 'class') return first.members;
    if (this.#peek() !== '-' || this.#characters[this.#at + 1] === ']') return literal(first.character);
    this.#at += 1;
    const last = this.#classAtom();
    if (last.kind === 'class' || codePoint(last.character) < codePoint(first.character))
      throw this.#refuse(`the range that begins with ${first.character}-`);
    const holdsControls =
      codePoint(first.character) < LAST_CONTROL && codePoint(last.character) >= LAST_CONTROL;
    if (holdsControls && !this.#meaning.isWhole)
      throw this.#refuse('a range that begins with control characters; begin it with a blank');
    return `${literal(first.character)}-${literal(last.character)}`;
  }

  #classAtom(): Escape {
    const next = this.#take();
    if (next !== '\\') return { kind: 'character', character: next };
    const escape = this.#escape();
    if (escape.kind === 'class' && escape.isNegated) throw this.#refuse('\\D, \\W or \\S inside of a class');
    return escape;
  }

  /** Behind a backslash. */
  #escape(): Escape {
    const next = this.#take();
    const members = { d: DIGITS, w: WORD, s: this.#meaning.blanks }[next.toLowerCase()];
    if (members !== undefined) {
      const isNegated = next !== next.toLowerCase();
      return {
        kind: 'class',
        members,
        isNegated,
        text: isNegated ? `[^${members}${this.#meaning.neverNegated}]` : `[${members}]`,
      };
    }
    const control = CONTROLS[next];
    if (control !== undefined) return { kind: 'character', character: String.fromCodePoint(control) };
    if (next === 'x') return this.#hexadecimal(2);
    if (next === 'u') return this.#unicode();
    if (/^[A-Za-z0-9]$/.test(next)) throw this.#refuse(`\\${next}`);
    return { kind: 'character', character: next };
  }

  #unicode(): Escape {
    const first = codePoint(this.#hexadecimal(4).character);
    if (first < 0xd800 || first > 0xdfff)
      return { kind: 'character', character: String.fromCodePoint(first) };
    const pair = this.#characters.slice(this.#at, this.#at + 2).join('');
    const isLead = first < 0xdc00 && pair === '\\u';
    if (isLead) this.#at += 2;
    const second = isLead ? codePoint(this.#hexadecimal(4).character) : 0;
    if (second < 0xdc00 || second > 0xdfff) throw this.#refuse('half of a surrogate pair');
    return { kind: 'character', character: String.fromCharCode(first, second) };
  }

  #hexadecimal(digits: number): { readonly kind: 'character'; readonly character: string } {
    const text = this.#characters.slice(this.#at, this.#at + digits).join('');
    if (text.length !== digits || !/^[0-9A-Fa-f]+$/.test(text))
      throw this.#refuse(`an escape without its ${digits} hexadecimal digits`);
    this.#at += digits;
    return { kind: 'character', character: String.fromCharCode(parseInt(text, 16)) };
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const next = this.#characters[this.#at];
    if (next === undefined) throw this.#refuse('an end in the middle');
    this.#at += 1;
    return next;
  }

  #refuse(what: string): InputError {
    return unsupported(
      this.#field,
      `has ${what} (before character ${this.#at + 1}), which cannot be enforced`,
    );
  }
}

type Escape =
  | { readonly kind: 'character'; readonly character: string }
  | {
      readonly kind: 'class';
      readonly members: string;
      readonly isNegated: boolean;
      /** Outside of a class. */
      readonly text: string;
    };
