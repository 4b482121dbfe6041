// Collects the pieces of a stream and hands them on once a frame: a screen shows no more, and a hundred tokens in one frame then
// cost as much as one. The first piece is shown at once.

export class FrameBuffer {
  readonly #show: (text: string) => void;
  #pending = '';
  #frame: number | undefined;
  #hasShown = false;

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  add(text: string): void {
    this.#pending += text;
    if (this.#hasShown) this.#frame ??= requestAnimationFrame(() => this.flush());
    else this.flush();
  }

  /** Hands on what is there now. A hidden page has no frames, so the end of a stream does not wait for one. */
  flush(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#hasShown = true;
    this.#show(text);
  }
}
