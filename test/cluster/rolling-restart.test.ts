// Every process of a cluster restarted while it serves, one after the other, as an upgrade does: gateways and readers each once their
// successor is there, Redis at once and empty. No client notices more than a wait.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from '../../harness/cluster.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import type { RunningServer } from '../../harness/running-server.js';
import { load, type LoadResult } from './load.js';

const IS_LONG = isLongForm('test:cluster');
/** Between two restarts, and of the quiet time that they are compared with. */
const PAUSE_MS = IS_LONG ? 15_000 : 1_000;
const QUIET_MS = IS_LONG ? 60_000 : 3_000;
const SIZE = { gateways: 2, readers: 2 };

describe.skipIf(sayWhyNoRedis())('a cluster whose processes are restarted one after the other', () => {
  let cluster: Cluster;
  /** Where clients are sent. */
  let served: readonly RunningServer[] = [];
  let asked = 0;

  beforeAll(async () => {
    cluster = await Cluster.start(SIZE, { args: ['--max-batch-size', '4', '--threads', '1'] });
    served = [...cluster.gateways];
  });
  afterAll(() => cluster.stop());

  const random = new Random(3);
  const loadFor = (durationMs: number): Promise<LoadResult> =>
    load({
      url: () => {
        asked += 1;
        return served[asked % served.length]!.url;
      },
      perSecond: IS_LONG ? 10 : 5,
      durationMs,
      leaving: 0.1,
      random: () => random.below(1_000_000) / 1_000_000,
      maxTokens: 16,
      asksAgain: true,
    });

  async function restartAll(): Promise<void> {
    for (const old of [...served]) {
      const successor = await cluster.addGateway({ waitsForReader: true });
      served = [...served.filter((gateway) => gateway !== old), successor];
      expect(await old.stop(), old.output).toBe(0);
      await delay(PAUSE_MS);
    }
    for (const old of cluster.readers.slice(0, SIZE.readers)) {
      await cluster.addReader();
      expect(await old.stop(), old.output).toBe(0);
      await delay(PAUSE_MS);
    }
    await cluster.redis.kill();
    await cluster.redis.launch();
    await delay(PAUSE_MS);
  }

  it(
    'answers everybody, and no first token takes much longer than before',
    { timeout: 600_000 },
    async () => {
      const quiet = await loadFor(QUIET_MS);
      const stop = new AbortController();
      const during: LoadResult[] = [];
      const loading = (async () => {
        while (!stop.signal.aborted) during.push(await loadFor(2_000));
      })();
      await restartAll();
      stop.abort();
      await loading;
      const codes = Object.assign({}, ...during.map((result) => result.codes)) as Record<string, number>;
      const count = (outcome: keyof LoadResult['outcomes']): number =>
        during.reduce((sum, { outcomes }) => sum + outcomes[outcome], 0);
      const [before, meanwhile] = [quiet.firstMs, during.flatMap(({ firstMs }) => firstMs)];
      const ratio = quantile(meanwhile, 0.99) / quantile(before, 0.99);
      process.stdout.write(
        `restarted one after the other: ${count('done')} done, ${count('left')} left, first token p50 ${ms(meanwhile, 0.5)} and p99 ${ms(meanwhile, 0.99)}, ` +
          `before p50 ${ms(before, 0.5)} and p99 ${ms(before, 0.99)}, p99 ${ratio.toFixed(2)} times as long\n`,
      );
      expect(codes).toEqual({});
      for (const outcome of ['lost', 'twice', 'error', 'broken'] as const) expect(count(outcome)).toBe(0);
      expect(count('done')).toBeGreaterThan(10);
      // Of a few seconds, the time without Redis is more than a hundredth.
      if (IS_LONG) expect(ratio).toBeLessThanOrEqual(3);
    },
  );
});

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

const ms = (values: readonly number[], share: number): string => `${Math.round(quantile(values, share))} ms`;
