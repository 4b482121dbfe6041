// What a reader has to tell one gateway, in order, until Redis has it. One entry is under way at a time: what is said meanwhile goes into
// the next one, so that a step is one entry, and many steps are when Redis is slow. While Redis is away everything is kept, as long as
// the gateway is not known to be gone; the bytes of one run are bounded.
import { setTimeout as delay } from 'node:timers/promises';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import { writeEvents, type EventItem } from '../../link/redis/messages.js';
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

export class Outbox {
  readonly #options: OutboxOptions;
  #unsent: Unsent[] = [];
  readonly #runCharacters = new Map<string, number>();
  #sending: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  push(item: EventItem): void {
    const text = writeEvents({ from: this.#options.reader, items: [item] });
    const run = item.kind === 'event' ? item.event.requestId : null;
    this.#unsent.push({ text, run });
    if (run !== null) this.#count(run, text.length);
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
      const batch = this.#nextBatch();
      try {
        await connection.run(TELL, [stream], [joined(this.#options.reader, batch)]);
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

/** One message of several that have one item each. */
function joined(reader: string, batch: readonly Unsent[]): string {
  const head = writeEvents({ from: reader, items: [] }).slice(0, -']}'.length);
  return `${head}${batch.map(({ text }) => text.slice(head.length, -']}'.length)).join(',')}]}`;
}
