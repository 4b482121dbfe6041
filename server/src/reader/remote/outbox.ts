// What a reader has to tell one gateway, in order, until Redis has it. One entry is under way at a time: what is said meanwhile goes into
// the next one, so that a step is one entry, and many steps are when they follow each other faster than anybody reads: each entry costs
// the reader's thread, Redis and the gateway as much as a step of a small model. While Redis is away everything is kept, as long as the
// gateway is not known to be gone; the bytes of one run are bounded.
import { setTimeout as delay } from 'node:timers/promises';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import { joinItems, writeItem, type EventItem } from '../../link/redis/messages.js';
import { TELL } from '../../link/redis/scripts.js';

export interface OutboxOptions {
  readonly connection: Pick<RedisCommands, 'run'>;
  /** Stream of the gateway. */
  readonly stream: string;
  /** Name of this reader. */
  readonly reader: string;
  /** A run has more unsent than it may: what it had is dropped. */
  readonly onOverflow: (run: string) => void;
}

interface Unsent {
  readonly text: string;
  /** Null for what belongs to no run. */
  readonly run: string | null;
}

/** An entry that is read at once. A single item may be longer. */
const MAX_ENTRY_CHARACTERS = 64 * 1024;
/** Of one run: hundreds of long answers. */
const MAX_RUN_CHARACTERS = 4 * 1024 * 1024;
const RETRY_MS = 100;
/** Between two entries, unless an answer has ended. Steps that take longer are told one by one, at once. */
const PACE_MS = 5;

export class Outbox {
  readonly #options: OutboxOptions;
  #unsent: Unsent[] = [];
  readonly #runCharacters = new Map<string, number>();
  #sending: Promise<void> | undefined;
  /** When the last entry was sent. */
  #sentMs = -Infinity;
  /** Whether something is unsent that shall not wait for more. */
  #isUrgent = false;
  /** Ends a pause. */
  #hurry: () => void = () => undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  push(item: EventItem): void {
    const text = writeItem(item);
    const run = item.kind === 'event' ? item.event.requestId : null;
    this.#unsent.push({ text, run });
    if (run !== null) this.#count(run, text.length);
    if (item.kind !== 'event' || item.event.kind !== 'token') {
      this.#isUrgent = true;
      this.#hurry();
    }
    this.#sending ??= this.#send();
  }

  /** Nobody is there to be told. */
  clear(): void {
    this.#unsent = [];
    this.#runCharacters.clear();
  }

  get isEmpty(): boolean {
    return this.#sending === undefined;
  }

  /** Resolves when everything was sent, or cleared. */
  async idle(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  async #send(): Promise<void> {
    const { connection, stream } = this.#options;
    // Lets all events of a step come.
    await Promise.resolve();
    while (this.#unsent.length > 0) {
      await this.#pause();
      if (this.#unsent.length === 0) break; // cleared meanwhile
      this.#isUrgent = false;
      this.#sentMs = performance.now();
      const batch = this.#nextBatch();
      try {
        const texts = batch.map(({ text }) => text);
        await connection.run(TELL, [stream], [joinItems(this.#options.reader, texts)]);
      } catch (error) {
        if (!isRedisTrouble(error)) throw error;
        await delay(RETRY_MS);
        continue;
      }
      // What was cleared or dropped meanwhile is not there any more.
      const sent = new Set(batch);
      for (const { run, text } of batch) if (run !== null) this.#count(run, -text.length);
      this.#unsent = this.#unsent.filter((unsent) => !sent.has(unsent));
    }
    // Together with the look at what is unsent: what is said after it, nobody would send otherwise.
    this.#sending = undefined;
  }

  async #pause(): Promise<void> {
    const restMs = this.#sentMs + PACE_MS - performance.now();
    if (restMs <= 0 || this.#isUrgent) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, restMs);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    // For the other events of its step.
    await Promise.resolve();
  }

  #nextBatch(): Unsent[] {
    let characters = 0;
    const end = this.#unsent.findIndex(({ text }, index) => {
      characters += text.length;
      return index > 0 && characters > MAX_ENTRY_CHARACTERS;
    });
    return end === -1 ? [...this.#unsent] : this.#unsent.slice(0, end);
  }

  #count(run: string, characters: number): void {
    const total = (this.#runCharacters.get(run) ?? 0) + characters;
    if (total <= 0) this.#runCharacters.delete(run);
    else this.#runCharacters.set(run, total);
    if (total <= MAX_RUN_CHARACTERS) return;
    this.#unsent = this.#unsent.filter((unsent) => unsent.run !== run);
    this.#runCharacters.delete(run);
    this.#options.onOverflow(run);
  }
}
