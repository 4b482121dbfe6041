// Collects the pieces of a stream and hands them on a few times a second. To draw takes processor time, on many machines from the
// model that writes; nobody reads faster, and a hundred tokens at once cost as much as one. A piece after a pause is shown at once.

const REST_MS = 50;

export class TextBuffer {
  readonly #show: (text: string) => void;
  #pending = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shownMs = -Infinity;

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  add(text: string): void {
    this.#pending += text;
    const restMs = this.#shownMs + REST_MS - performance.now();
    if (restMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), restMs);
  }

  /** Hands on what is there now. The end of a stream does not wait. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#shownMs = performance.now();
    this.#show(text);
  }
}
