// Log lines that are written together: a server logs every request, and a write to a file or a pipe takes longer than all else that a
// line costs. What has gathered is written when the process ends, too, unless it is killed.

/** Nobody who follows a log notices. */
const MAX_HELD_MS = 100;
const MAX_HELD_CHARACTERS = 64 * 1024;

export class LineBatch {
  readonly #write: (lines: string) => void;
  #held = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (lines: string) => void) {
    this.#write = write;
    process.on('exit', () => this.flush());
  }

  add(line: string): void {
    this.#held += line;
    if (this.#held.length >= MAX_HELD_CHARACTERS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), MAX_HELD_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#held;
    this.#held = '';
    if (lines !== '') this.#write(lines);
  }
}
