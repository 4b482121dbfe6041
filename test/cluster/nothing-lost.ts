// What must hold after every fault: each request had one end, and nothing of any is left in Redis, in gateways or in readers.
import { expect } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { GROUPS_KEY, keysOf, READERS_GROUP } from 'takeoff-server/link/redis/keys.js';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import type { Cluster } from '../../harness/cluster.js';
import type { RedisServer } from '../../harness/redis-server.js';
import type { RunningServer } from '../../harness/running-server.js';
import type { LoadResult } from './load.js';

const KEYS = keysOf('primary');
/** Leases, graces, and the time until readers give up what nobody waits for. */
const SETTLE_MS = 30_000;

/** With all rights. To be closed by the caller. */
export function connectTo({ url }: RedisServer): Promise<RedisConnection> {
  const address = readRedisAddress({ url, caFile: null, certFile: null, keyFile: null });
  return new Promise((resolve) => {
    const connection: RedisConnection = new RedisConnection(address, { onUp: () => resolve(connection) });
  });
}

export async function expectNothingLost(
  cluster: Cluster,
  { outcomes, codes }: LoadResult,
  title: string,
): Promise<void> {
  process.stdout.write(`${title}: ${JSON.stringify(outcomes)} ${JSON.stringify(codes)}\n`);
  expect(outcomes).toMatchObject({ lost: 0, twice: 0 });
  expect(outcomes.done).toBeGreaterThan(0);
  const nothing = { open: 0, running: 0, waiting: 0, pending: 0, tiles: 0 };
  const deadline = performance.now() + SETTLE_MS;
  let left = await leftovers(cluster);
  while (performance.now() < deadline && JSON.stringify(left) !== JSON.stringify(nothing)) {
    await delay(500);
    left = await leftovers(cluster);
  }
  expect(left).toEqual(nothing);
}

/**
 * Keys and consumers that belong to no process with a lease. Streams of a process are made by the first message to it, so their number
 * says nothing. Notes of runs end by themselves.
 */
export async function keysWithoutOwner(redis: RedisServer): Promise<readonly string[]> {
  const connection = await connectTo(redis);
  const names = (await connection.send(['KEYS', 'tk:1:*'])) as string[];
  const consumers = (await connection.send(['XINFO', 'CONSUMERS', KEYS.queue, READERS_GROUP])) as string[][];
  await connection.close();
  const ownersBy = (prefix: string): readonly string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const readers = ownersBy(KEYS.reader(''));
  const owned = new Set([
    GROUPS_KEY,
    KEYS.queue,
    KEYS.readers,
    ...readers.flatMap((reader) => [KEYS.reader(reader), KEYS.placed(reader), KEYS.control(reader)]),
    ...ownersBy(KEYS.gateway('')).flatMap((gateway) => [KEYS.gateway(gateway), KEYS.events(gateway)]),
  ]);
  return [
    ...names.filter((name) => !owned.has(name) && !name.startsWith(KEYS.note(''))),
    ...consumers.map(([, name]) => name ?? '').filter((name) => !readers.includes(name)),
  ];
}

/** Keys of waiting requests, entries that somebody has, and answers that are open. */
async function leftovers({ redis, gateways }: Cluster): Promise<Record<string, number>> {
  const connection = await connectTo(redis);
  const pending = (await connection.send(['XPENDING', KEYS.queue, READERS_GROUP])) as [number];
  const tiles = (await connection.send(['KEYS', 'tk:1:*tiles:*'])) as string[];
  const waiting = (await connection.send(['XLEN', KEYS.queue])) as number;
  await connection.close();
  const told = await Promise.all(gateways.filter(isAlive).map(toldBy));
  return {
    open: sum(told.map(({ open }) => open)),
    running: sum(told.map(({ running }) => running)),
    waiting,
    pending: pending[0],
    tiles: tiles.length,
  };
}

/** What a gateway says is open, of its own requests and in all readers. */
async function toldBy({ managementUrl }: RunningServer): Promise<{ open: number; running: number }> {
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
  const { status } = (await (await fetch(`${managementUrl}/status`)).json()) as {
    status: { live_readers: Record<string, { open_prompts: number }> };
  };
  return {
    open: Number(/^takeoff_open_requests (\d+)/mu.exec(metrics)?.[1] ?? NaN),
    running: sum(Object.values(status.live_readers).map(({ open_prompts }) => open_prompts)),
  };
}

const isAlive = ({ child }: RunningServer): boolean => child.exitCode === null && child.signalCode === null;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
