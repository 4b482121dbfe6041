// Clocks that are wrong: Redis's steps an hour ahead, back, and ahead again under load, and another Redis with a clock an hour behind takes
// over; meanwhile one gateway is a day ahead of all others and one reader a day behind. Ends of keys and ids of entries are made of
// Redis's clock, so that leases and whatever lies unread end with a step ahead, and ids stay where they were with a step back.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { keysOf } from 'takeoff-server/link/redis/keys.js';
import { Cluster } from '../../harness/cluster.js';
import { sayWhyNoFakeClock, SteppedClock, wrongClock } from '../../harness/fake-clock.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { repositoryRoot, type RunningServer } from '../../harness/running-server.js';
import { imageForm } from '../process/requests.js';
import { load, type LoadResult } from './load.js';
import { connectTo, expectNothingLost } from './nothing-lost.js';

const IS_LONG = isLongForm('test:cluster');
/** After a step. In the long form also reads that Redis had promised to end by its clock are given up. */
const LOAD_MS = IS_LONG ? 15_000 : 2_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const IMAGE = readFileSync(path.join(repositoryRoot(), 'test/goldens/images/336x336.png'));

interface Step {
  readonly title: string;
  readonly aheadSeconds: number;
  /** Ends all leases at once, and whatever lies unread. */
  readonly endsKeys: boolean;
}
const STEPS: readonly Step[] = [
  { title: 'an hour ahead', aheadSeconds: HOUR, endsKeys: true },
  { title: 'back', aheadSeconds: 0, endsKeys: false },
  { title: 'ahead again', aheadSeconds: HOUR, endsKeys: true },
];

const secondsNow = (): number => Date.now() / 1_000;

describe.skipIf(sayWhyNoRedis() || sayWhyNoFakeClock())('a cluster whose clocks are wrong', () => {
  const clock = new SteppedClock();
  let cluster: Cluster;
  let asked = 0;

  beforeAll(async () => {
    cluster = await Cluster.start(
      { gateways: 1, readers: 1, redisEnv: clock.env },
      { args: ['--max-batch-size', '4', '--threads', '1'] },
    );
    await cluster.addReader({ env: wrongClock(-DAY) });
    await cluster.addGateway({ env: wrongClock(DAY), waitsForReader: true });
  });
  afterAll(async () => {
    await cluster.stop();
    clock.remove();
  });

  const nextGateway = (): RunningServer => {
    asked += 1;
    return cluster.gateways[asked % cluster.gateways.length]!;
  };
  const random = new Random(5);
  const loadFor = (durationMs: number, leaving = 0): Promise<LoadResult> =>
    load({
      url: () => nextGateway().url,
      perSecond: 8,
      durationMs,
      leaving,
      random: () => random.below(1_000_000) / 1_000_000,
      maxTokens: 24,
    });

  /** One after the other, so that there is a reader that has the image's tiles and a free place. @returns statuses of the answers */
  async function askAboutImage(signal: AbortSignal): Promise<number[]> {
    const statuses: number[] = [];
    while (!signal.aborted) {
      const body = imageForm(IMAGE, { text: 'USER: What is this?\nASSISTANT:', max_new_tokens: 8 });
      const response = await fetch(`${nextGateway().url}/image_generate`, { method: 'POST', body });
      await response.text();
      statuses.push(response.status);
      await delay(50);
    }
    return statuses;
  }

  async function underLoad(
    fault: () => Promise<void>,
  ): Promise<{ readonly result: LoadResult; readonly statuses: readonly number[] }> {
    const stop = new AbortController();
    const images = askAboutImage(stop.signal);
    const running = loadFor(500 + LOAD_MS, 0.2);
    await delay(500);
    await fault();
    const result = await running;
    stop.abort();
    return { result, statuses: await images };
  }

  async function expectServed(title: string): Promise<void> {
    const after = await loadFor(500);
    await expectNothingLost(cluster, after, `${title}, and then`);
    expect(after.codes).toEqual({});
  }

  /** In Redis's own words: its clock, and the time in the last id of the queue. */
  async function redisTimes(): Promise<{ readonly now: number; readonly lastId: number }> {
    const redis = await connectTo(cluster.redis);
    const [now] = (await redis.send(['TIME'])) as [string];
    const info = (await redis.send(['XINFO', 'STREAM', keysOf('primary').queue])) as unknown[];
    await redis.close();
    const lastId = String(info[info.indexOf('last-generated-id') + 1]);
    return { now: Number(now), lastId: Number(lastId.split('-')[0]) / 1_000 };
  }

  it('has a gateway a day ahead and a reader a day behind', async () => {
    const [gateway, reader] = [cluster.gateways[1]!, cluster.readers[1]!];
    for (const [url, aheadSeconds] of [
      [`${gateway.url}/status`, DAY],
      [`${reader.url}/livez`, -DAY],
    ] as const) {
      const { headers } = await fetch(url);
      const ahead = Date.parse(headers.get('date') ?? '') / 1_000 - secondsNow();
      expect(Math.abs(ahead - aheadSeconds), url).toBeLessThan(60);
    }
  });

  it.each(STEPS)(
    "loses nothing when Redis's clock steps $title",
    async ({ title, aheadSeconds, endsKeys }) => {
      const { result, statuses } = await underLoad(() => {
        clock.set(aheadSeconds);
        return Promise.resolve();
      });
      const { now, lastId } = await redisTimes();
      expect(Math.abs(now - secondsNow() - aheadSeconds)).toBeLessThan(60);
      // Ids never step back: all that was added since has the time of before.
      if (!endsKeys) expect(lastId - now).toBeGreaterThan(HOUR / 2);
      await expectNothingLost(cluster, result, `Redis's clock ${title}`);
      expect(result.codes).toEqual({});
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
      await expectServed(title);
    },
    120_000,
  );

  it('loses nothing when a Redis takes over that is an hour behind the one before', async () => {
    const { result } = await underLoad(async () => {
      await cluster.redis.kill('SIGTERM');
      clock.set(0);
      await cluster.redis.launch();
    });
    const { now, lastId } = await redisTimes();
    expect(Math.abs(lastId - now)).toBeLessThan(60);
    await expectNothingLost(cluster, result, 'another Redis, an hour behind');
    const allowed = ['queue.unreachable', 'server.not_ready', 'group.unavailable'];
    expect(Object.keys(result.codes).filter((code) => !allowed.includes(code))).toEqual([]);
    await expectServed('another Redis, an hour behind');
  }, 120_000);
});
