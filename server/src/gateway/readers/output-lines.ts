// Cuts what a process prints into lines for the log. Bounded: a program without line ends fills no memory.

/** Native libraries print assertions of some hundred characters; what is longer is logged in pieces. */
const MAX_LINE_CHARACTERS = 8192;

export class OutputLines {
  readonly #onLine: (line: string) => void;
  #unfinished = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: string): void {
    const lines = (this.#unfinished + chunk).split('\n');
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) this.#say(line);
    while (this.#unfinished.length > MAX_LINE_CHARACTERS) {
      this.#say(this.#unfinished.slice(0, MAX_LINE_CHARACTERS));
      this.#unfinished = this.#unfinished.slice(MAX_LINE_CHARACTERS);
    }
  }

  /** A process that aborts may leave its last line without an end. */
  end(): void {
    this.#say(this.#unfinished);
    this.#unfinished = '';
  }

  #say(line: string): void {
    const text = line.trimEnd();
    if (text !== '') this.#onLine(text);
  }
}
