// Where a reader takes requests from: the streams of its groups, and those with requests that gateways placed with it. Takes one when the
// reader has room and none otherwise, so that requests wait where all readers see them; takes over what a dead reader had taken.
import { setTimeout as delay } from 'node:timers/promises';
import { BEAT_MS, LEASE_MS } from '../../link/redis/leases.js';
import { keysOf, READERS_GROUP } from '../../link/redis/keys.js';
import { parseQueuedRequest, type QueuedRequest } from '../../link/redis/messages.js';
import { isRedisTrouble, isRefusal, type RedisCommands } from '../../link/redis/redis-connection.js';
import { claimedOf, entriesOf } from '../../link/redis/replies.js';
import { CLAIM } from '../../link/redis/scripts.js';
import { discardEntry } from './discard-entry.js';
import type { TakenEntry } from './run.js';

export interface WorkSourceOptions {
  /** For reads that wait; nothing else uses it. */
  readonly waiting: RedisCommands;
  readonly commands: RedisCommands;
  readonly reader: string;
  readonly groups: readonly string[];
  /** Whether the reader could take one more. */
  readonly hasRoom: () => boolean;
  readonly onEntry: (entry: TakenEntry, deliveries: number) => void;
  /** An entry that is no request; it has been deleted. */
  readonly onBadEntry: (stream: string) => void;
}

/** Short, so that a reader that is cut off is given nothing for long. */
const BLOCK_MS = 2_000;
const RETRY_MS = 100;

export class WorkSource {
  readonly #options: WorkSourceOptions;
  /** By stream, where the next claim begins. */
  readonly #cursors = new Map<string, string>();
  readonly #streams: readonly { readonly stream: string; readonly group: string }[];
  #isStopped = false;
  #hasGroups = false;
  #roomMade: (() => void) | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: WorkSourceOptions) {
    this.#options = options;
    const keys = options.groups.map((group) => ({ group, keys: keysOf(group) }));
    this.#streams = [
      // First, because what is placed here has its images here.
      ...keys.map(({ group, keys }) => ({ group, stream: keys.placed(options.reader) })),
      ...keys.map(({ group, keys }) => ({ group, stream: keys.queue })),
    ];
  }

  start(): void {
    this.#reading = this.#read();
  }

  /** Takes nothing more. Resolves when a read that waits has ended: an entry given to nobody would wait for its claim. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.noteRoom();
    await this.#reading;
  }

  /** To be called when the reader may have room again. */
  noteRoom(): void {
    this.#roomMade?.();
  }

  /** To be called when Redis may have been lost: then streams and groups are made again. */
  noteLoss(): void {
    this.#hasGroups = false;
  }

  /**
   * Takes over what readers have taken that are dead, and what was placed here and taken by a read whose reply was lost.
   * @throws RedisUnreachable, RedisRefusal
   */
  async claim(count: number): Promise<void> {
    const { commands, reader } = this.#options;
    for (const { group, stream } of this.#streams.toReversed()) {
      const cursor = this.#cursors.get(stream) ?? '0-0';
      const args = [reader, String(LEASE_MS), cursor, String(count)];
      const claimed = claimedOf(await commands.run(CLAIM, [stream], args));
      this.#cursors.set(stream, claimed.cursor);
      for (const { id, message, deliveries } of claimed.entries)
        this.#deliver({ group, stream, id }, message, deliveries);
    }
  }

  async #read(): Promise<void> {
    const { waiting, reader, hasRoom } = this.#options;
    const command = ['XREADGROUP', 'GROUP', READERS_GROUP, reader, 'COUNT', '1', 'BLOCK', String(BLOCK_MS)];
    const streams = this.#streams.map(({ stream }) => stream);
    while (!this.#isStopped) {
      if (!hasRoom()) {
        await this.#room();
        continue;
      }
      try {
        if (!this.#hasGroups) await this.#makeGroups();
        const reply = await waiting.send([...command, 'STREAMS', ...streams, ...streams.map(() => '>')], {
          blockMs: BLOCK_MS,
        });
        for (const { stream, id, message } of entriesOf(reply)) {
          const group = this.#streams.find((known) => known.stream === stream)?.group ?? '';
          this.#deliver({ group, stream, id }, message, 1);
        }
      } catch (error) {
        if (!isRedisTrouble(error)) throw error;
        this.#hasGroups = false;
        await delay(RETRY_MS);
      }
    }
  }

  async #room(): Promise<void> {
    await new Promise<void>((resolve) => {
      // Cancellations may make room without saying so.
      const timer = setTimeout(resolve, BEAT_MS);
      this.#roomMade = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#roomMade = undefined;
  }

  async #makeGroups(): Promise<void> {
    for (const { stream } of this.#streams) {
      try {
        await this.#options.commands.send(['XGROUP', 'CREATE', stream, READERS_GROUP, '0', 'MKSTREAM']);
      } catch (error) {
        if (!isRefusal(error, 'BUSYGROUP')) throw error;
      }
    }
    this.#hasGroups = true;
  }

  #deliver(where: Omit<TakenEntry, 'request'>, message: string | undefined, deliveries: number): void {
    const request: QueuedRequest | undefined =
      message === undefined ? undefined : parseQueuedRequest(message);
    if (request !== undefined) {
      this.#options.onEntry({ ...where, request }, deliveries);
      return;
    }
    void this.#discard(where);
    this.#options.onBadEntry(where.stream);
  }

  /** Nobody can make sense of it, and nobody shall try again. */
  async #discard(where: Omit<TakenEntry, 'request'>): Promise<void> {
    try {
      await discardEntry(this.#options.commands, where);
    } catch (error) {
      // Then whoever claims it does.
      if (!isRedisTrouble(error)) throw error;
    }
  }
}
