// The text of one answer as it comes from a cluster: cut at the stop strings of the request, whatever the cluster makes of them (TGI shows
// them, OpenAI takes four), in pieces that the link carries, and with the log probabilities of the tokens that the text has so far.
import type { TokenLogprob } from '../../link/requests/messages.js';
import { StopStrings } from '../prompt/stop-strings.js';

export interface TextPiece {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
}

export interface PushedText {
  readonly pieces: readonly TextPiece[];
  /** A stop string was found: nothing after it belongs to the answer. */
  readonly isStopped: boolean;
}

/** Half of what an event may have, which counts UTF-16 units as this does. */
const MAX_PIECE_CHARACTERS = 32_768;

export class AnswerText {
  readonly #stops: StopStrings;
  /** Of tokens whose text is held back, with the character that each begins at. */
  #waiting: { readonly at: number; readonly logprob: TokenLogprob }[] = [];
  #receivedCharacters = 0;
  #sentCharacters = 0;

  constructor(stops: readonly string[]) {
    this.#stops = new StopStrings(stops);
  }

  /** Characters of the cluster's answer so far. */
  get characterCount(): number {
    return this.#receivedCharacters;
  }

  push(text: string, logprobs: readonly TokenLogprob[]): PushedText {
    let at = this.#receivedCharacters;
    const decoder = new TextDecoder();
    for (const logprob of logprobs) {
      this.#waiting.push({ at: Math.min(at, this.#receivedCharacters + text.length), logprob });
      at += decoder.decode(logprob.bytes, { stream: true }).length;
    }
    this.#receivedCharacters += text.length;
    const { text: passed, isStopped } = this.#stops.push(text);
    return { pieces: this.#piecesOf(passed, false), isStopped };
  }

  /** What was held back in vain, at the end of an answer that no stop string ended. */
  finish(): readonly TextPiece[] {
    return this.#piecesOf(this.#stops.finish(), true);
  }

  #piecesOf(text: string, isEnd: boolean): TextPiece[] {
    this.#sentCharacters += text.length;
    const isDue = ({ at }: { readonly at: number }): boolean => isEnd || at < this.#sentCharacters;
    const logprobs = this.#waiting.filter(isDue).map(({ logprob }) => logprob);
    this.#waiting = this.#waiting.filter((token) => !isDue(token));
    const texts = slices(text);
    if (texts.length === 0) return logprobs.length === 0 ? [] : [{ text: '', logprobs }];
    return texts.map((slice, index) => ({ text: slice, logprobs: index === 0 ? logprobs : [] }));
  }
}

/** No slice ends inside a surrogate pair. */
function slices(text: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + MAX_PIECE_CHARACTERS);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}
