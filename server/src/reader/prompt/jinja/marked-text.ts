// A text that remembers which of its stretches a client typed. What a template does to a text keeps the marks, so that in the end
// only what the template itself wrote can become a special token or an image. Offsets count UTF-16 units; code-points.ts has Python's.
import { TemplateFault } from './template-fault.js';

export type Origin = 'template' | 'typed';

interface Stretch {
  readonly text: string;
  readonly origin: Origin;
}

/** Far more than a template makes of a conversation; every operation on a text may look at each of its pieces. */
const MAX_PIECES = 20_000;

export class MarkedText {
  /** None is empty, and neighbours differ in origin. */
  readonly stretches: readonly Stretch[];
  readonly text: string;

  private constructor(stretches: readonly Stretch[]) {
    validatePieces(stretches.length);
    this.stretches = stretches;
    this.text = stretches.map(({ text }) => text).join('');
  }

  static get empty(): MarkedText {
    return new MarkedText([]);
  }

  static of(text: string, origin: Origin): MarkedText {
    return text === '' ? MarkedText.empty : new MarkedText([{ text, origin }]);
  }

  static concat(texts: readonly MarkedText[]): MarkedText {
    const [only] = texts;
    if (only !== undefined && texts.length === 1) return only;
    const stretches: { text: string; origin: Origin }[] = [];
    for (const { stretches: added } of texts) {
      for (const stretch of added) {
        const last = stretches.at(-1);
        if (last?.origin === stretch.origin) last.text += stretch.text;
        else stretches.push({ ...stretch });
      }
    }
    return stretches.length === 0 ? MarkedText.empty : new MarkedText(stretches);
  }

  static join(texts: readonly MarkedText[], separator: MarkedText): MarkedText {
    return MarkedText.concat(texts.flatMap((text, index) => (index === 0 ? [text] : [separator, text])));
  }

  slice(start: number, end = this.text.length): MarkedText {
    return MarkedText.concat(this.#cut([[start, end]]));
  }

  /** The code points, each a text of its own. @throws TemplateFault too_large */
  characters(): MarkedText[] {
    validatePieces(this.text.length);
    return this.stretches.flatMap(({ text, origin }) =>
      Array.from(text, (character) => MarkedText.of(character, origin)),
    );
  }

  /** `change` keeps the length. */
  map(change: (text: string) => string): MarkedText {
    const changed = change(this.text);
    let offset = 0;
    return MarkedText.concat(
      this.stretches.map(({ text, origin }) => {
        offset += text.length;
        return MarkedText.of(changed.slice(offset - text.length, offset), origin);
      }),
    );
  }

  /** Parts between the separators, `limit` separators at most. @throws TemplateFault too_large */
  split(separator: string, limit = Number.POSITIVE_INFINITY): MarkedText[] {
    const ranges: [number, number][] = [];
    let start = 0;
    for (let at = this.text.indexOf(separator); at !== -1 && ranges.length < limit;) {
      validatePieces(ranges.length);
      ranges.push([start, at]);
      start = at + separator.length;
      at = this.text.indexOf(separator, start);
    }
    return this.#cut([...ranges, [start, this.text.length]]);
  }

  /** What the pattern finds, which has the flag g. @throws TemplateFault too_large */
  matches(pattern: RegExp): MarkedText[] {
    const ranges = Array.from(this.text.matchAll(pattern), ({ index, 0: { length } }, count) => {
      validatePieces(count);
      return [index, index + length] as const;
    });
    return this.#cut(ranges);
  }

  /** The parts in ascending ranges, in one pass over the stretches. */
  #cut(ranges: readonly (readonly [start: number, end: number])[]): MarkedText[] {
    let first = 0;
    let offset = 0;
    return ranges.map(([start, end]) => {
      const parts: MarkedText[] = [];
      let at = offset;
      for (let index = first; index < this.stretches.length && at < end; index += 1) {
        const stretch = this.stretches[index];
        if (stretch === undefined) break;
        const { text, origin } = stretch;
        parts.push(MarkedText.of(text.slice(Math.max(0, start - at), end - at), origin));
        at += text.length;
        if (at > end) break;
        [first, offset] = [index + 1, at];
      }
      return MarkedText.concat(parts);
    });
  }
}

function validatePieces(count: number): void {
  if (count > MAX_PIECES)
    throw new TemplateFault('too_large', `it cuts a text into ${count} pieces; ${MAX_PIECES} are allowed`);
}
