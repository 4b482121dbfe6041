// How many requests of a group wait for a reader. An entry stays in its stream until its request begins, so that those which a reader has
// taken already are among them; Redis knows how many these are.
import { z } from 'zod';
import { keysOf, READERS_GROUP } from '../../link/redis/keys.js';
import { isRefusal, type RedisConnection } from '../../link/redis/redis-connection.js';
import { numberOf } from '../../link/redis/replies.js';

const pendingSummary = z.tuple([z.int()]).rest(z.unknown());

/** @throws RedisUnreachable, RedisRefusal */
export async function countUntaken(connection: RedisConnection, group: string): Promise<number> {
  const { queue } = keysOf(group);
  const [length, taken] = await Promise.all([
    connection.send(['XLEN', queue]).then(numberOf),
    countTaken(connection, queue),
  ]);
  // They are two answers: in between, one may have begun.
  return Math.max(0, length - taken);
}

async function countTaken(connection: RedisConnection, queue: string): Promise<number> {
  try {
    return pendingSummary.parse(await connection.send(['XPENDING', queue, READERS_GROUP]))[0];
  } catch (error) {
    // No reader has ever looked into this stream.
    if (isRefusal(error, 'NOGROUP')) return 0;
    throw error;
  }
}
