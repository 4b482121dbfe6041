// Which gateways are gone, by their leases. Judges nobody by a single look.
import type { RedisCommands } from '../../link/redis/redis-connection.js';
import { textsOrNullsOf } from '../../link/redis/replies.js';

/** Looks at a gateway without a lease, one after the other, before it counts as gone. */
const MISSES_OF_A_DEAD_GATEWAY = 2;

export class GatewayWatch {
  readonly #connection: RedisCommands;
  /** By key of the lease. */
  #misses = new Map<string, number>();

  constructor(connection: RedisCommands) {
    this.#connection = connection;
  }

  /** @returns those of the leases whose gateways are gone @throws RedisUnreachable, RedisRefusal */
  async look(leases: readonly string[]): Promise<ReadonlySet<string>> {
    const values =
      leases.length === 0 ? [] : textsOrNullsOf(await this.#connection.send(['MGET', ...leases]));
    this.#misses = new Map(
      leases.map((lease, index) => [lease, values[index] == null ? (this.#misses.get(lease) ?? 0) + 1 : 0]),
    );
    return new Set(leases.filter((lease) => (this.#misses.get(lease) ?? 0) >= MISSES_OF_A_DEAD_GATEWAY));
  }
}
