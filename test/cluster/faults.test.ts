// Readers, gateways and Redis killed and stopped under load. What must never happen, whoever dies: a request without an end, one with two,
// and a place that nobody gives back. `npm test` tries each fault once; `npm run test:cluster` goes on for minutes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { keysOf, READERS_GROUP } from 'takeoff-server/link/redis/keys.js';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { Cluster } from '../../harness/cluster.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { load, type LoadResult } from './load.js';

const IS_LONG = isLongForm('test:cluster');
const LOAD = { perSecond: IS_LONG ? 20 : 10, leaving: 0.2, maxTokens: 24 };
const KEYS = keysOf('primary');
const SETTLE_MS = 30_000;

/** What is answered while Redis is away. */
const AWAY: readonly string[] = ['queue.unreachable', 'server.not_ready', 'group.unavailable'];

/** Numbers from 0 to 1. */
function fractions(seed: number): () => number {
  const random = new Random(seed);
  return () => random.below(1_000_000) / 1_000_000;
}

describe.skipIf(sayWhyNoRedis())('a cluster under faults', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start(
      { gateways: 1, readers: 2 },
      { args: ['--max-batch-size', '4', '--threads', '1'] },
    );
  });
  afterAll(() => cluster.stop());

  const [gateway, reader] = [() => cluster.gateways.at(-1)!, () => cluster.readers.at(-1)!];

  /** Keys of waiting requests, entries that somebody has, and answers that are open, once all is over. */
  async function leftovers(): Promise<Record<string, number>> {
    const address = readRedisAddress({ url: cluster.redis.url, caFile: null, certFile: null, keyFile: null });
    const redis = await new Promise<RedisConnection>((resolve) => {
      const connection: RedisConnection = new RedisConnection(address, { onUp: () => resolve(connection) });
    });
    const pending = (await redis.send(['XPENDING', KEYS.queue, READERS_GROUP])) as [number];
    const tiles = (await redis.send(['KEYS', 'tk:1:*tiles:*'])) as string[];
    const waiting = (await redis.send(['XLEN', KEYS.queue])) as number;
    await redis.close();
    let open = 0;
    let running = 0;
    for (const { managementUrl, child } of cluster.gateways) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
      open += Number(/^takeoff_open_requests (\d+)/mu.exec(metrics)?.[1] ?? NaN);
      const status = (await (await fetch(`${managementUrl}/status`)).json()) as {
        status: { live_readers: Record<string, { open_prompts: number }> };
      };
      for (const { open_prompts } of Object.values(status.status.live_readers)) running += open_prompts;
    }
    return { open, running, waiting, pending: pending[0], tiles: tiles.length };
  }

  async function expectNothingLost({ outcomes, codes }: LoadResult, title: string): Promise<void> {
    process.stdout.write(`${title}: ${JSON.stringify(outcomes)} ${JSON.stringify(codes)}\n`);
    expect(outcomes).toMatchObject({ lost: 0, twice: 0 });
    expect(outcomes.done).toBeGreaterThan(0);
    const nothing = { open: 0, running: 0, waiting: 0, pending: 0, tiles: 0 };
    const deadline = performance.now() + SETTLE_MS;
    let left = await leftovers();
    while (performance.now() < deadline && JSON.stringify(left) !== JSON.stringify(nothing)) {
      await delay(500);
      left = await leftovers();
    }
    expect(left).toEqual(nothing);
  }

  const underLoad = async (durationMs: number, faults: () => Promise<void>): Promise<LoadResult> => {
    const running = load({ ...LOAD, durationMs, random: fractions(7), url: () => gateway().url });
    await faults();
    return running;
  };

  it('loses nothing and serves on when a reader is killed', async () => {
    const result = await underLoad(9_000, async () => {
      await delay(1_500);
      reader().child.kill('SIGKILL');
      await cluster.addReader();
    });
    await expectNothingLost(result, 'reader killed');
    expect(Object.keys(result.codes).filter((code) => code !== 'reader.died')).toEqual([]);
  });

  it('loses nothing when Redis is killed and comes back empty', async () => {
    const result = await underLoad(9_000, async () => {
      await delay(1_500);
      await cluster.redis.kill();
      await delay(1_000);
      await cluster.redis.launch();
    });
    await expectNothingLost(result, 'Redis empty');
    // What was being submitted at that moment, and what came while it was away.
    expect(Object.keys(result.codes).filter((code) => !AWAY.includes(code))).toEqual([]);
  });

  it.runIf(IS_LONG)(
    'loses nothing when a reader stands still and goes on',
    { timeout: 120_000 },
    async () => {
      for (const stillMs of [1_000, 6_000, 20_000]) {
        const result = await underLoad(stillMs + 10_000, async () => {
          await delay(1_500);
          reader().child.kill('SIGSTOP');
          await delay(stillMs);
          reader().child.kill('SIGCONT');
        });
        await expectNothingLost(result, `reader stopped for ${stillMs} ms`);
      }
    },
  );

  it.runIf(IS_LONG)('breaks the streams of a killed gateway and no other', { timeout: 120_000 }, async () => {
    const first = gateway();
    await cluster.addGateway();
    const result = await underLoad(20_000, async () => {
      await delay(3_000);
      first.child.kill('SIGKILL');
    });
    await expectNothingLost(result, 'another gateway killed');
    expect(result.outcomes.broken).toBe(0);
  });

  it.runIf(IS_LONG)('loses nothing in minutes of kills', { timeout: 400_000 }, async () => {
    const random = fractions(11);
    const until = performance.now() + 60_000;
    const result = await underLoad(70_000, async () => {
      while (performance.now() < until) {
        await delay(2_000);
        const draw = random();
        if (draw < 0.4) {
          reader().child.kill('SIGKILL');
          await cluster.addReader();
        } else if (draw < 0.6) {
          await cluster.redis.kill();
          await delay(random() * 2_000);
          await cluster.redis.launch();
        } else if (draw < 0.8) {
          reader().child.kill('SIGSTOP');
          await delay(random() * 8_000);
          reader().child.kill('SIGCONT');
        } else {
          const old = gateway();
          await cluster.addGateway();
          old.child.kill('SIGKILL');
        }
      }
    });
    await expectNothingLost(result, 'minutes of kills');
  });
});
