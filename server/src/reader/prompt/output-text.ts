// Token ids of one answer to text, a token at a time. The chunks put together are the whole answer: no character is cut, the
// space that SentencePiece puts in front of a text is taken off, special tokens print nothing, and stop strings end the
// answer without being part of it.
import type { TokenId } from '../ids.js';
import { StopStrings, type CutText } from './stop-strings.js';
import type { Tokenizer } from './tokenizer.js';
import { Utf8Stream } from './utf8-stream.js';

const SPACE = 0x20;

export class OutputText {
  readonly #tokenizer: Tokenizer;
  readonly #stopStrings: StopStrings;
  readonly #characters = new Utf8Stream();
  #characterCount = 0;
  /** Whether the next printed byte would be the first of the answer; a blank is then taken for the dummy prefix. */
  #dropsSpace: boolean;

  /** @param keepsSpace whether every byte counts: a constraint has seen the blank, and it may belong to what was asked for */
  constructor(tokenizer: Tokenizer, stopStrings: readonly string[], keepsSpace = false) {
    this.#tokenizer = tokenizer;
    this.#stopStrings = new StopStrings(stopStrings);
    const { kind, addSpacePrefix, removesExtraWhitespace } = tokenizer.settings;
    this.#dropsSpace = !keepsSpace && kind === 'sentencepiece' && (addSpacePrefix || removesExtraWhitespace);
  }

  /** The text that the token adds, empty while a character or a possible stop string is unfinished. */
  push(token: TokenId): CutText {
    const text = this.#characters.push(this.#withoutDummyPrefix(token));
    this.#characterCount += text.length;
    return this.#stopStrings.push(text);
  }

  /** UTF-16 units of the text so far, with what is held back for a possible stop string and without unfinished characters. */
  get characterCount(): number {
    return this.#characterCount;
  }

  /** What was still held back when the answer ended for another reason than a stop string. */
  finish(): CutText {
    const last = this.#stopStrings.push(this.#characters.finish());
    return { text: last.text + this.#stopStrings.finish(), isStopped: last.isStopped };
  }

  #withoutDummyPrefix(token: TokenId): Uint8Array {
    const bytes = this.#tokenizer.pieceBytes(token);
    if (!this.#dropsSpace || bytes.length === 0) return bytes;
    const printed = bytes[0] === SPACE ? bytes.subarray(1) : bytes;
    // A model that removes extra white space knows no text that begins with a blank, so another token may lose one too.
    this.#dropsSpace = this.#tokenizer.settings.removesExtraWhitespace && printed.length === 0;
    return printed;
  }
}
