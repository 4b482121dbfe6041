// Readers, gateways and Redis killed and stopped under load. What must never happen, whoever dies: a request without an end, one with two,
// and a place that nobody gives back. `npm test` tries each fault once; `npm run test:cluster` goes on for minutes.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { keysOf, READERS_GROUP } from 'takeoff-server/link/redis/keys.js';
import { Cluster } from '../../harness/cluster.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { load, type LoadResult } from './load.js';
import { connectTo, expectNothingLost, keysWithoutOwner } from './nothing-lost.js';

const IS_LONG = isLongForm('test:cluster');
const LOAD = { perSecond: IS_LONG ? 20 : 10, leaving: 0.2, maxTokens: 24 };
const KEYS = keysOf('primary');

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
    await expectNothingLost(cluster, result, 'reader killed');
    expect(Object.keys(result.codes).filter((code) => code !== 'reader.died')).toEqual([]);
  });

  it('loses nothing when Redis is killed and comes back empty', async () => {
    const result = await underLoad(9_000, async () => {
      await delay(1_500);
      await cluster.redis.kill();
      await delay(1_000);
      await cluster.redis.launch();
    });
    await expectNothingLost(cluster, result, 'Redis empty');
    // What was being submitted at that moment, and what came while it was away.
    expect(Object.keys(result.codes).filter((code) => !AWAY.includes(code))).toEqual([]);
  });

  it(
    'serves on when Redis forgets scripts, connections, single keys or everything',
    { timeout: 180_000 },
    async () => {
      const redis = await connectTo(cluster.redis);
      const tiles = async (): Promise<readonly string[]> =>
        (await redis.send(['KEYS', 'tk:1:*tiles:*'])) as string[];
      const faults: readonly (readonly [what: string, make: () => Promise<unknown>])[] = [
        ['its scripts', () => redis.send(['SCRIPT', 'FLUSH'])],
        ['its connections', () => redis.send(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])],
        ['the group of the queue', () => redis.send(['XGROUP', 'DESTROY', KEYS.queue, READERS_GROUP])],
        ['the queue', () => redis.send(['DEL', KEYS.queue])],
        ['all tiles', async () => redis.send(['DEL', 'none', ...(await tiles())])],
        ['everything', () => redis.send(['FLUSHALL'])],
      ];
      const pauseMs = IS_LONG ? 10_000 : 1_500;
      const result = await underLoad(faults.length * pauseMs + 5_000, async () => {
        for (const [, make] of faults) {
          await delay(pauseMs);
          await make();
        }
      });
      await redis.close();
      await expectNothingLost(cluster, result, `Redis forgets ${faults.map(([what]) => what).join(', ')}`);
      // A connection that is killed is an outage of a moment, and a note that is forgotten before its reader knows of it ends an answer.
      const allowed = [...AWAY, 'reader.died'];
      expect(Object.keys(result.codes).filter((code) => !allowed.includes(code))).toEqual([]);
    },
  );

  it(
    'refuses what is new when Redis has no memory left, and serves what waits',
    { timeout: 120_000 },
    async () => {
      const redis = await connectTo(cluster.redis);
      const result = await underLoad(8_000, async () => {
        await delay(2_000);
        await redis.send(['CONFIG', 'SET', 'maxmemory', '1']);
        await delay(2_000);
        await redis.send(['CONFIG', 'SET', 'maxmemory', '0']);
      });
      await redis.close();
      await expectNothingLost(cluster, result, 'no memory');
      expect(result.codes['reader.queue_full']).toBeGreaterThan(0);
    },
  );

  it('keeps nothing but what living processes own', { timeout: 900_000 }, async () => {
    const result = await underLoad(IS_LONG ? 500_000 : 5_000, () => Promise.resolve());
    await expectNothingLost(cluster, result, 'without faults');
    expect(await keysWithoutOwner(cluster.redis)).toEqual([]);
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
        await expectNothingLost(cluster, result, `reader stopped for ${stillMs} ms`);
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
    await expectNothingLost(cluster, result, 'another gateway killed');
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
          const exit = once(old.child, 'exit');
          old.child.kill('SIGKILL');
          // Otherwise it may still seem alive when what is left is counted.
          await exit;
        }
      }
    });
    await expectNothingLost(cluster, result, 'minutes of kills');
  });
});
