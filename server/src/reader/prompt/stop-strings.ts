// Cuts a stream of text at the first of several stop strings. Text that may still turn out to be the beginning of one is held
// back; everything else goes on at once.

export interface CutText {
  readonly text: string;
  /** A stop string was found: nothing after it belongs to the answer. */
  readonly isStopped: boolean;
}

export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';
  #isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  push(text: string): CutText {
    if (this.#isStopped) return { text: '', isStopped: true };
    const all = this.#held + text;
    const cutAt = this.#firstStop(all);
    this.#isStopped = cutAt !== -1;
    const passCount = this.#isStopped ? cutAt : all.length - this.#heldLength(all);
    this.#held = this.#isStopped ? '' : all.slice(passCount);
    return { text: all.slice(0, passCount), isStopped: this.#isStopped };
  }

  /** The text that was held back in vain. */
  finish(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** Start of the stop string that is complete first, so that the way a text is cut into chunks changes nothing; or -1. */
  #firstStop(text: string): number {
    let start = -1;
    let end = Number.POSITIVE_INFINITY;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      const stopEnd = at + stop.length;
      if (at === -1 || stopEnd > end || (stopEnd === end && at > start)) continue;
      start = at;
      end = stopEnd;
    }
    return start;
  }

  /** Length of the longest end of `text` that begins a stop string. */
  #heldLength(text: string): number {
    const lengths = this.#stops.map((stop) => {
      for (let length = Math.min(stop.length - 1, text.length); length > 0; length -= 1) {
        if (text.endsWith(stop.slice(0, length))) return length;
      }
      return 0;
    });
    return Math.max(0, ...lengths);
  }
}
