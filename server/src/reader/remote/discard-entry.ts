// Takes an entry off its stream that nobody shall take again: no request, or one whose gateway is gone.
import { READERS_GROUP } from '../../link/redis/keys.js';
import type { RedisCommands } from '../../link/redis/redis-connection.js';
import type { TakenEntry } from './run.js';

/** @throws RedisUnreachable, RedisRefusal */
export async function discardEntry(
  connection: RedisCommands,
  { stream, id }: Pick<TakenEntry, 'stream' | 'id'>,
): Promise<void> {
  await Promise.all([
    connection.send(['XACK', stream, READERS_GROUP, id]),
    connection.send(['XDEL', stream, id]),
  ]);
}
