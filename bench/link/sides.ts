// One reader twice: as a child of this process, and headless behind a Redis of its own. Both are asked through the port of the request path.
import { setTimeout as delay } from 'node:timers/promises';
import { toGatewayReader } from 'takeoff-server/cli/gateway-config.js';
import { loadConfig } from 'takeoff-server/config/load-config.js';
import type { ConsumerGroup, Submission } from 'takeoff-server/gateway/answer/consumer-group.js';
import { forkReaders } from 'takeoff-server/gateway/readers/fork-reader.js';
import { ReaderService } from 'takeoff-server/gateway/readers/reader-service.js';
import { RemoteReaders } from 'takeoff-server/gateway/remote/remote-readers.js';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisServer } from '../../harness/redis-server.js';
import { RunningServer } from '../../harness/running-server.js';

export interface Side {
  readonly name: 'child IPC' | 'Redis';
  /** Of Redis; empty for child IPC. */
  readonly url: string;
  readonly group: ConsumerGroup;
  stop(): Promise<void>;
}

const GROUP = 'primary';
const READY_TIMEOUT_MS = 30 * 60_000;
const LIMITS = { firstTokenTimeoutMs: 600_000, readerMessageTimeoutMs: 600_000 };

export async function childSide(flags: ReadonlyMap<string, string>): Promise<Side> {
  const service = new ReaderService({
    launch: forkReaders(),
    limits: LIMITS,
    reservedGroups: [GROUP],
    random: Math.random,
    onLog: () => undefined,
    onState: () => undefined,
  });
  const { server, readers } = loadConfig({ flags });
  for (const reader of readers) service.add(toGatewayReader(server, reader));
  const group = await ready(() => service.find(GROUP));
  return { name: 'child IPC', url: '', group, stop: () => service.stop() };
}

export async function redisSide(flags: ReadonlyMap<string, string>): Promise<Side> {
  const redis = await RedisServer.start();
  const reader = await RunningServer.startOne({
    args: [...flags].flatMap(([name, value]) => [`--${name}`, value]),
    env: { TAKEOFF_HEADLESS: 'true', TAKEOFF_REDIS_URL: redis.url },
    waitsForReader: false,
  });
  const readers = new RemoteReaders({
    address: readRedisAddress({ url: redis.url, caFile: null, certFile: null, keyFile: null }),
    reservedGroups: [GROUP],
    reservedWaitMs: LIMITS.firstTokenTimeoutMs,
    maxQueuedRequests: 1_000,
    log: { info: () => undefined, warn: () => undefined },
  });
  const group = await ready(() => readers.find(GROUP));
  const stop = async (): Promise<void> => {
    await readers.stop();
    await reader.stop();
    await redis.stop();
  };
  return { name: 'Redis', url: redis.url, group, stop };
}

export interface Answered {
  readonly firstMs: number;
  readonly totalMs: number;
}

export function ask(group: ConsumerGroup, submission: Submission): Promise<Answered> {
  const start = performance.now();
  let firstMs: number | undefined;
  return new Promise((resolve, reject) => {
    group.submit(submission, {
      onEvent: (event) => {
        if (event.kind === 'error') reject(new Error(`${event.code}: ${event.message}`));
        firstMs ??= performance.now() - start;
        if (event.kind === 'done') resolve({ firstMs, totalMs: performance.now() - start });
      },
      onEnd: (end) => reject(new Error(`The request ended: ${JSON.stringify(end)}`)),
    });
  });
}

async function ready(find: () => ConsumerGroup | undefined): Promise<ConsumerGroup> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const group = find();
    if (group?.view().isReady === true) return group;
    if (performance.now() > deadline) throw new Error('The reader is not ready.');
    await delay(50);
  }
}
