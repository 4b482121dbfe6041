// Reads the streams that only this process reads, on a connection of its own, so that what is said to it waits behind nothing. What was
// read is deleted together with the next read, and every read begins at the beginning: ids are made of the server's clock, which may
// step back when a server takes over from another. After a lost connection an entry may be read twice.
import { setTimeout as delay } from 'node:timers/promises';
import { isRedisTrouble, type RedisConnection } from './redis-connection.js';
import { entriesOf } from './replies.js';

export interface OwnStreamsOptions {
  readonly connection: RedisConnection;
  readonly streams: readonly string[];
  /** Undefined for an entry that is no message, or of another version. */
  readonly onMessage: (stream: string, message: string | undefined) => void;
}

const BLOCK_MS = 2_000;
const RETRY_MS = 100;
/** Entries of one stream that are read at once. */
const COUNT = '256';

export class OwnStreams {
  readonly #options: OwnStreamsOptions;
  #isStopped = false;
  #reading: Promise<void> | undefined;

  constructor(options: OwnStreamsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#reading = this.#read();
  }

  /** Closes its connection, too. */
  async close(): Promise<void> {
    this.#isStopped = true;
    await this.#options.connection.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { connection, streams, onMessage } = this.#options;
    const command = ['XREAD', 'COUNT', COUNT, 'BLOCK', String(BLOCK_MS), 'STREAMS'];
    let read: readonly (readonly [stream: string, ids: readonly string[]])[] = [];
    while (!this.#isStopped) {
      try {
        const deleted = read.map(([stream, ids]) => connection.send(['XDEL', stream, ...ids]));
        const args = [...command, ...streams, ...streams.map(() => '0-0')];
        const [reply] = await Promise.all([connection.send(args, { blockMs: BLOCK_MS }), ...deleted]);
        const entries = entriesOf(reply);
        read = streams.map((key) => [key, entries.flatMap(({ stream, id }) => (stream === key ? [id] : []))]);
        read = read.filter(([, ids]) => ids.length > 0);
        for (const { stream, message } of entries) onMessage(stream, message);
      } catch (error) {
        if (!isRedisTrouble(error)) throw error;
        read = [];
        await delay(RETRY_MS);
      }
    }
  }
}
