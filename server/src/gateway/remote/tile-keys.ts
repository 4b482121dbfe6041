// Tiles that lie in Redis for requests that wait: put there once for all requests with the same image, kept while one of them waits.
import { keysOf } from '../../link/redis/keys.js';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import type { RemoteRequest } from './remote-request.js';

export interface TileKeysOptions {
  readonly connection: RedisCommands;
  readonly group: string;
  readonly gateway: string;
}

/** Renewed while it is needed, so that what a gateway leaves behind when it dies is gone soon. */
const KEPT_MS = 30_000;

export class TileKeys {
  readonly #options: TileKeysOptions;
  /** By key, who needs it. */
  readonly #needs = new Map<string, Set<RemoteRequest>>();

  constructor(options: TileKeysOptions) {
    this.#options = options;
  }

  /** Puts the tiles there, also when they were before: Redis may have lost them. @throws RedisUnreachable, RedisRefusal */
  async put(request: RemoteRequest): Promise<void> {
    const { connection } = this.#options;
    const writes = request.tiles.map(({ sha256, bytes }) => {
      const key = this.#key(sha256);
      this.#needs.set(key, (this.#needs.get(key) ?? new Set()).add(request));
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return connection.send(['SET', key, view, 'PX', String(KEPT_MS)]);
    });
    await Promise.all(writes);
  }

  /** The request waits no more. */
  release(request: RemoteRequest): void {
    const unneeded = request.tiles.flatMap(({ sha256 }) => {
      const key = this.#key(sha256);
      const needs = this.#needs.get(key);
      if (needs?.delete(request) !== true || needs.size > 0) return [];
      this.#needs.delete(key);
      return [key];
    });
    if (unneeded.length > 0) void this.#unlink(unneeded);
  }

  /** To be called once a second. @throws RedisUnreachable, RedisRefusal */
  async renew(): Promise<void> {
    const { connection } = this.#options;
    await Promise.all(
      [...this.#needs.keys()].map((key) => connection.send(['PEXPIRE', key, String(KEPT_MS)])),
    );
  }

  #key(sha256: string): string {
    return keysOf(this.#options.group).tiles(this.#options.gateway, sha256);
  }

  async #unlink(keys: readonly string[]): Promise<void> {
    try {
      await this.#options.connection.send(['UNLINK', ...keys]);
    } catch (error) {
      // Then they end by themselves.
      if (!isRedisTrouble(error)) throw error;
    }
  }
}
