// What a reader has to tell one gateway, in order, until Redis has it, and again where Redis has lost it. One entry is under way at a time:
// what is said meanwhile goes into the next one, so that a step is one entry, and many steps are when they follow each other faster than
// anybody reads: each entry costs the reader's thread, Redis and the gateway as much as a step of a small model. While Redis is away
// everything is kept, as long as the gateway is not known to be gone; the bytes of one run are bounded.
import { setTimeout as delay } from 'node:timers/promises';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import { joinItems, writeItem, type EventItem } from '../../link/redis/messages.js';
import { TELL } from '../../link/redis/scripts.js';
import { SentEvents, type SaidEvent } from './sent-events.js';

export interface OutboxOptions {
  readonly connection: Pick<RedisCommands, 'run'>;
  /** Stream of the gateway. */
  readonly stream: string;
  /** Name of this reader. */
  readonly reader: string;
  /** A run has more unsent than it may: what it had is dropped. */
  readonly onOverflow: (run: string) => void;
}

/** What belongs to no run has neither run nor number. */
type Said = SaidEvent | { readonly text: string; readonly run: null };

/** An entry that is read at once. A single item may be longer. */
const MAX_ENTRY_CHARACTERS = 64 * 1024;
/** Of one run: hundreds of long answers. */
const MAX_RUN_CHARACTERS = 4 * 1024 * 1024;
const RETRY_MS = 100;
/** Between two entries, unless an answer has ended. Steps that take longer are told one by one, at once. */
const PACE_MS = 5;

export class Outbox {
  readonly #options: OutboxOptions;
  #unsent: Said[] = [];
  readonly #sent = new SentEvents();
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
    this.#add(
      item.kind === 'event' ? { text, run: item.event.requestId, seq: item.seq } : { text, run: null },
    );
    if (item.kind !== 'event' || item.event.kind !== 'token') this.#hasten();
    this.#sending ??= this.#send();
  }

  /** Tells the events of a run from this number on again, in order. @returns false when the first of them is not kept any more */
  tellAgain(run: string, seq: number): boolean {
    const unsent = this.#unsent.filter((said): said is SaidEvent => said.run === run);
    const missing = new Map([...this.#sent.take(run, seq), ...unsent].map((said) => [said.seq, said]));
    if (!missing.has(seq)) return false;
    // Behind each other, as copies: what is under way of them does not count as told.
    this.#drop(run);
    for (const said of [...missing.values()].toSorted((a, b) => a.seq - b.seq)) this.#add({ ...said });
    this.#hasten();
    this.#sending ??= this.#send();
    return true;
  }

  /** Nobody is there to be told. */
  clear(): void {
    this.#unsent = [];
    this.#sent.clear();
    this.#runCharacters.clear();
  }

  /** Whether nothing is to be told, or could be told again. */
  get isEmpty(): boolean {
    return this.#sending === undefined && this.#sent.isEmpty;
  }

  /** To be called once a second: forgets what no gateway asks for any more. */
  tick(): void {
    this.#sent.forgetOld();
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
      const [told, left] = [
        this.#unsent.filter((said) => sent.has(said)),
        this.#unsent.filter((said) => !sent.has(said)),
      ];
      this.#unsent = left;
      const events = told.filter((said) => said.run !== null);
      for (const { run, text } of events) this.#count(run, -text.length);
      this.#sent.add(events);
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

  #add(said: Said): void {
    this.#unsent.push(said);
    if (said.run !== null) this.#count(said.run, said.text.length);
  }

  #hasten(): void {
    this.#isUrgent = true;
    this.#hurry();
  }

  /** Everything unsent of a run. */
  #drop(run: string): void {
    this.#unsent = this.#unsent.filter((said) => said.run !== run);
    this.#runCharacters.delete(run);
  }

  #nextBatch(): Said[] {
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
    this.#drop(run);
    this.#sent.take(run, 0);
    this.#options.onOverflow(run);
  }
}
