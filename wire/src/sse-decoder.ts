// Reads server-sent events from bytes cut anywhere: inside a character, a line ending or the byte order mark. Follows the
// WHATWG algorithm for `data` and `event`; `id` and `retry`, which the native endpoints do not send, and comments are skipped.
// Memory is bounded: an event larger than the limit fails the stream instead of growing it.

export interface SseEvent {
  /** `message` where the stream names none. */
  readonly name: string;
  /** The data lines, joined with line feeds. */
  readonly data: string;
}

/** The stream is not one that this server writes: an event is larger than the decoder accepts. */
export class SseEventTooLargeError extends Error {
  readonly maxEventCharacters: number;
  constructor(maxEventCharacters: number) {
    super(
      `An event of the stream has more than ${maxEventCharacters} characters, the most this client accepts.`,
    );
    this.name = 'SseEventTooLargeError';
    this.maxEventCharacters = maxEventCharacters;
  }
}

/** An endless line would fill the memory of a client. The server's events are one token, or an error of a few sentences. */
const DEFAULT_MAX_EVENT_CHARACTERS = 1024 * 1024;

export class SseDecoder {
  readonly #maxEventCharacters: number;
  // Removes a byte order mark at the start and keeps characters that are cut between two chunks.
  readonly #utf8 = new TextDecoder('utf-8');
  /** Pieces of a line whose end has not arrived. */
  #line = '';
  /** The last chunk ended with CR: a LF at the start of the next one belongs to it. */
  #endedWithCr = false;
  #name = '';
  #data: string | undefined;

  constructor(maxEventCharacters: number = DEFAULT_MAX_EVENT_CHARACTERS) {
    this.#maxEventCharacters = maxEventCharacters;
  }

  /**
   * The events that this chunk completes.
   * @throws SseEventTooLargeError
   */
  push(chunk: Uint8Array): SseEvent[] {
    return this.#read(this.#utf8.decode(chunk, { stream: true }));
  }

  /** Whether part of an event has arrived: a stream that ends now was cut. */
  get hasUnfinishedEvent(): boolean {
    return this.#line !== '' || this.#data !== undefined || this.#name !== '';
  }

  #read(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let start = this.#endedWithCr && text.startsWith('\n') ? 1 : 0;
    if (text !== '') this.#endedWithCr = text.endsWith('\r');
    const ending = /\r\n?|\n/gu;
    ending.lastIndex = start;
    for (let match = ending.exec(text); match !== null; match = ending.exec(text)) {
      const line = this.#line + text.slice(start, match.index);
      this.#line = '';
      start = ending.lastIndex;
      const event = this.#endLine(line);
      if (event !== undefined) events.push(event);
    }
    this.#line += text.slice(start);
    this.#validateSize(this.#line);
    return events;
  }

  #endLine(line: string): SseEvent | undefined {
    // Comments and unknown fields count too, so that the limit does not depend on how the stream was cut into chunks.
    this.#validateSize(line);
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon === -1 ? line : line.slice(0, colon);
    const rest = colon === -1 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (field === 'data') this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (field === 'event') this.#name = value;
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    const data = this.#data;
    const name = this.#name === '' ? 'message' : this.#name;
    this.#data = undefined;
    this.#name = '';
    return data === undefined ? undefined : { name, data };
  }

  #validateSize(line: string): void {
    const characters = line.length + (this.#data?.length ?? 0) + this.#name.length;
    if (characters > this.#maxEventCharacters) throw new SseEventTooLargeError(this.#maxEventCharacters);
  }
}
