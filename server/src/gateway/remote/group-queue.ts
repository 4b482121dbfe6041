// What one gateway does in Redis for one group: puts requests there and takes them back, tells readers what to end, keeps what it put.
import { InputError } from '../../errors.js';
import { keysOf, type GroupKeys } from '../../link/redis/keys.js';
import {
  MAX_MESSAGE_CHARACTERS,
  MAX_TILE_BYTES,
  writeControl,
  writeQueuedRequest,
  type Control,
} from '../../link/redis/messages.js';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import { numberOf, textOrNullOf } from '../../link/redis/replies.js';
import { CANCEL, CHECK, MOVE, PLACE, SUBMIT, TELL } from '../../link/redis/scripts.js';
import type { RemoteRequest } from './remote-request.js';
import { TileKeys } from './tile-keys.js';

export interface GroupQueueOptions {
  readonly connection: RedisCommands;
  readonly group: string;
  /** Name of this process among gateways. */
  readonly gateway: string;
  /** Requests that may wait for all gateways together. */
  readonly maxQueuedRequests: number;
}

/** Where a request lies. */
export interface Place {
  readonly stream: string;
  readonly entry: string;
}

export class GroupQueue {
  readonly #options: GroupQueueOptions;
  readonly #keys: GroupKeys;
  readonly #tiles: TileKeys;
  #checks = 0;

  constructor(options: GroupQueueOptions) {
    this.#options = options;
    this.#keys = keysOf(options.group);
    this.#tiles = new TileKeys(options);
  }

  get gateway(): string {
    return this.#options.gateway;
  }

  /**
   * Null when the queue is full.
   * @param placedAt the reader that shall take it; null for whoever is free
   * @param withTiles whether readers do not have them
   * @throws InputError when it is larger than the queue takes; RedisUnreachable, RedisRefusal
   */
  async submit(request: RemoteRequest, placedAt: string | null, withTiles: boolean): Promise<Place | null> {
    const { connection, maxQueuedRequests } = this.#options;
    const message = this.#write(request, withTiles);
    if (withTiles) await this.#tiles.put(request);
    const stream = placedAt === null ? this.#keys.queue : this.#keys.placed(placedAt);
    const reply =
      placedAt === null
        ? await connection.run(SUBMIT, [stream], [String(maxQueuedRequests), message])
        : await connection.run(PLACE, [stream], [message]);
    const entry = textOrNullOf(reply);
    return entry === null ? null : { stream, entry };
  }

  /** Null when its reader has taken it, or it is gone. @throws RedisUnreachable, RedisRefusal */
  async move(
    request: RemoteRequest,
    stream: string,
    entry: string,
    isReaderGone: boolean,
  ): Promise<Place | null> {
    const { connection } = this.#options;
    const { queue } = this.#keys;
    await this.#tiles.put(request);
    const args = [entry, this.#write(request, true), isReaderGone ? '1' : '0'];
    const moved = textOrNullOf(await connection.run(MOVE, [stream, queue], args));
    return moved === null ? null : { stream: queue, entry: moved };
  }

  /** @throws RedisUnreachable, RedisRefusal */
  async cancel(stream: string, entry: string, requestId: string): Promise<void> {
    const { connection } = this.#options;
    const cancellation = writeControl({ kind: 'cancel-request', requestId });
    await connection.run(CANCEL, [stream, this.#keys.controlPrefix], [entry, cancellation]);
  }

  /** This gateway is told which of them are not there any more. @throws RedisUnreachable, RedisRefusal */
  async check(waiting: readonly Place[]): Promise<void> {
    const streams = [...new Set(waiting.map(({ stream }) => stream))];
    const keys = [this.#keys.events(this.#options.gateway), ...streams];
    this.#checks += 1;
    // The first key is that of the events, and Lua counts from 1.
    const args = waiting.flatMap(({ stream, entry }) => [String(streams.indexOf(stream) + 2), entry]);
    await this.#options.connection.run(CHECK, keys, [String(this.#checks), ...args]);
  }

  /** Never fails: what a lost message would have ended is ended again, or by its reader's lease. */
  async control(reader: string, message: Control): Promise<void> {
    try {
      await this.#options.connection.run(TELL, [this.#keys.control(reader)], [writeControl(message)]);
    } catch (error) {
      if (!isRedisTrouble(error)) throw error;
    }
  }

  /** The request waits no more. */
  release(request: RemoteRequest): void {
    this.#tiles.release(request);
  }

  /** Requests of all gateways that wait. @throws RedisUnreachable, RedisRefusal */
  async length(): Promise<number> {
    return numberOf(await this.#options.connection.send(['XLEN', this.#keys.queue]));
  }

  /** To be called once a second. @throws RedisUnreachable, RedisRefusal */
  renew(): Promise<void> {
    return this.#tiles.renew();
  }

  #write(request: RemoteRequest, isBeside: boolean): string {
    const { preparedFor } = request.submission;
    const images = request.queuedImages(isBeside);
    if (images.some(({ tileBytes }) => tileBytes > MAX_TILE_BYTES))
      throw tooLarge('An image', MAX_TILE_BYTES);
    const text = writeQueuedRequest({
      gateway: this.gateway,
      preparedFor,
      message: request.withoutImages,
      images,
    });
    if (text.length > MAX_MESSAGE_CHARACTERS) throw tooLarge('The request', MAX_MESSAGE_CHARACTERS);
    return text;
  }
}

const tooLarge = (what: string, limit: number): InputError =>
  new InputError(
    'request.prompt_too_large',
    `${what} is larger than the queue between machines takes (${limit}, as it is sent there). Send a shorter prompt or constraint, or fewer prompts at once.`,
  );
