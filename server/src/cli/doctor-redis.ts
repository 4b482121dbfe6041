// `takeoff doctor --redis`: whether the Redis of redis_url is one that gateways and readers can be joined by, one line for each thing that
// matters. What this process has no right to see it says it cannot tell.
import { ConfigError } from '../errors.js';
import { keysOf, newProcessName } from '../link/redis/keys.js';
import { readRedisAddress } from '../link/redis/redis-address.js';
import type { RedisSettings } from '../link/redis/redis-settings.js';
import { isRedisTrouble, RedisConnection } from '../link/redis/redis-connection.js';
import { alignedLines, type Terminal } from './terminal.js';

export interface RedisDoctorOptions {
  readonly redis: RedisSettings | null;
  readonly consumerGroup: string;
  readonly isJson: boolean;
}

export interface Finding {
  readonly what: string;
  readonly verdict: 'ok' | 'wrong' | 'unknown';
  readonly says: string;
}

/** Tiles of an image of five. */
const TRIP_BYTES = 1_693_440;
const TRIP_KEY_MS = '5000';
const OLDEST = { redis: 7, valkey: 8 } as const;

/** @throws ConfigError when redis_url is not set, or Redis is not fit for what is asked of it */
export async function doctorRedis(options: RedisDoctorOptions, terminal: Terminal): Promise<void> {
  const { redis, consumerGroup, isJson } = options;
  if (redis === null)
    throw new ConfigError('redis_url is not set: name the Redis to look at, such as redis://127.0.0.1:6379.');
  const findings = await examine(redis, consumerGroup);
  const rows = findings.map(({ what, verdict, says }) => [what, `${verdict}: ${says}`] as const);
  terminal.out(isJson ? `${JSON.stringify(findings, null, 2)}\n` : alignedLines(rows));
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong').map(({ what }) => what);
  if (wrong.length > 0)
    throw new ConfigError(`This Redis is not fit for gateways and readers: ${wrong.join(', ')}.`);
}

async function examine(redis: RedisSettings, group: string): Promise<readonly Finding[]> {
  const address = readRedisAddress(redis);
  let connection: RedisConnection | undefined;
  const down = await new Promise<string | null>((resolve) => {
    connection = new RedisConnection(address, { onUp: () => resolve(null), onDown: resolve });
  });
  try {
    if (down !== null || connection === undefined)
      return [{ what: 'connection', verdict: 'wrong', says: down ?? 'there is none' }];
    const reached = {
      what: 'connection',
      verdict: 'ok',
      says: address.tls === null ? 'without TLS' : 'with TLS',
    } as const;
    return [reached, ...(await examineServer(connection)), await roundTrip(connection, group)];
  } finally {
    await connection?.close();
  }
}

async function examineServer(connection: RedisConnection): Promise<readonly Finding[]> {
  try {
    const text = String(await connection.send(['INFO', 'everything']));
    return judgeServer(new Map(text.split('\r\n').map(keyAndValue)));
  } catch (error) {
    if (!isRedisTrouble(error)) throw error;
    return [{ what: 'server', verdict: 'unknown', says: `${error.message} (+info would show it)` }];
  }
}

const keyAndValue = (line: string): [string, string] => {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1)];
};

/** @param info what the server says of itself */
export function judgeServer(info: ReadonlyMap<string, string>): readonly Finding[] {
  const valkey = info.get('valkey_version');
  const version = valkey ?? info.get('redis_version') ?? '';
  const oldest = valkey === undefined ? OLDEST.redis : OLDEST.valkey;
  const policy = info.get('maxmemory_policy') ?? '';
  const isUnbounded = (info.get('maxmemory') ?? '0') === '0';
  const writes = info.get('aof_enabled') === '1' ? 'appendonly is on' : undefined;
  const isNew = Number.parseInt(version, 10) >= oldest;
  return [
    {
      what: 'version',
      verdict: isNew ? 'ok' : 'wrong',
      says: `${valkey === undefined ? 'Redis' : 'Valkey'} ${version}; ${oldest}.0 or newer is needed`,
    },
    {
      what: 'eviction',
      verdict: policy === 'noeviction' ? 'ok' : 'wrong',
      says: `maxmemory-policy is ${policy}; any other than noeviction deletes waiting requests when memory is short`,
    },
    {
      what: 'memory',
      verdict: isUnbounded ? 'unknown' : 'ok',
      says: isUnbounded
        ? 'maxmemory is not set; 2 MB for each waiting request with an image and 64 MB is enough'
        : `maxmemory is ${info.get('maxmemory_human') ?? ''}`,
    },
    {
      what: 'persistence',
      verdict: writes === undefined ? 'ok' : 'wrong',
      says:
        writes === undefined ? 'no append-only file' : `${writes}, which writes prompts and images to a disk`,
    },
    {
      what: 'cluster',
      verdict: info.get('cluster_enabled') === '1' ? 'wrong' : 'ok',
      says: info.get('cluster_enabled') === '1' ? 'a cluster of Redis is not supported' : 'a single server',
    },
  ];
}

async function roundTrip(connection: RedisConnection, group: string): Promise<Finding> {
  const key = keysOf(group).tiles(newProcessName('doctor'), 'trip');
  const what = 'round trip';
  try {
    const startMs = performance.now();
    await connection.send(['SET', key, Buffer.alloc(TRIP_BYTES), 'PX', TRIP_KEY_MS]);
    await connection.send(['UNLINK', key]);
    const ms = performance.now() - startMs;
    return {
      what,
      verdict: 'ok',
      says: `${ms.toFixed(1)} ms to write the tiles of a large image (${TRIP_BYTES} bytes)`,
    };
  } catch (error) {
    if (!isRedisTrouble(error)) throw error;
    return { what, verdict: 'unknown', says: `${error.message} (gateways need it, readers do not)` };
  }
}
