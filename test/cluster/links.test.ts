// One reader and one gateway whose links to Redis are cut, slowed down, or lose packets or replies, under load. `npm test` tries a reader
// whose lease ends meanwhile; `npm run test:cluster` each side, for 1, 6 and 20 seconds, one way, the other way and both.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { BEGIN, CHECK, RENEW, SUBMIT, TELL } from 'takeoff-server/link/redis/scripts.js';
import { Cluster } from '../../harness/cluster.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { LinkProxy } from './link-proxy.js';
import { load, type LoadResult } from './load.js';
import { expectNothingLost } from './nothing-lost.js';

const IS_LONG = isLongForm('test:cluster');
const SIDES = IS_LONG ? (['reader', 'gateway'] as const) : (['reader'] as const);
const CUTS_MS = IS_LONG ? [1_000, 6_000, 20_000] : [6_000];
const WAYS = IS_LONG
  ? ([['toRedis', 'fromRedis'], ['toRedis'], ['fromRedis']] as const)
  : ([['toRedis', 'fromRedis']] as const);
const COMMANDS = {
  reader: [BEGIN.sha1, TELL.sha1, RENEW.sha1, 'XREADGROUP', 'EXISTS'],
  gateway: [SUBMIT.sha1, CHECK.sha1, 'XREAD', 'SMEMBERS'],
} as const;
/** What a gateway may answer that is cut off. */
const CUT_OFF = ['queue.unreachable', 'server.not_ready', 'group.unavailable', 'reader.died'];

describe.skipIf(sayWhyNoRedis())('a cluster with a reader and a gateway behind bad links', () => {
  let cluster: Cluster;
  let seed = 0;
  let links: Readonly<Record<'reader' | 'gateway', LinkProxy>>;

  beforeAll(async () => {
    cluster = await Cluster.start(
      { gateways: 1, readers: 1 },
      { args: ['--max-batch-size', '4', '--threads', '1'] },
    );
    links = { reader: await LinkProxy.start(cluster.redis), gateway: await LinkProxy.start(cluster.redis) };
    await cluster.addReader({ env: { TAKEOFF_REDIS_URL: links.reader.url } });
    await cluster.addGateway({ env: { TAKEOFF_REDIS_URL: links.gateway.url }, waitsForReader: true });
  });
  afterAll(async () => {
    await cluster.stop();
    await links.reader.stop();
    await links.gateway.stop();
  });

  /** @param who whose link is bad: clients of a reader's faults ask the gateway with a good one */
  const underLoad = async (
    who: 'reader' | 'gateway',
    durationMs: number,
    fault: () => Promise<void>,
  ): Promise<LoadResult> => {
    // Other prompts each time: one that two readers were lost over would be blamed for it.
    seed += 1;
    const random = new Random(seed);
    const gateway = cluster.gateways[who === 'reader' ? 0 : 1]!;
    const running = load({
      url: () => gateway.url,
      perSecond: 8,
      durationMs,
      leaving: 0.2,
      random: () => random.below(1_000_000) / 1_000_000,
      maxTokens: 24,
    });
    await fault();
    return running;
  };
  const expectOnly = ({ codes }: LoadResult, allowed: readonly string[]): void => {
    expect(Object.keys(codes).filter((code) => !allowed.includes(code))).toEqual([]);
  };

  const cuts = SIDES.flatMap((who) => CUTS_MS.flatMap((cutMs) => WAYS.map((ways) => ({ who, cutMs, ways }))));
  it.each(cuts)(
    'loses nothing when the $who is cut off for $cutMs ms, $ways',
    async ({ who, cutMs, ways }) => {
      const result = await underLoad(who, cutMs + 5_000, async () => {
        await delay(1_500);
        links[who].cut(...ways);
        await delay(cutMs);
        links[who].mend();
      });
      await expectNothingLost(cluster, result, `${who} cut off for ${cutMs} ms, ${ways.join(' and ')}`);
      expectOnly(result, who === 'reader' ? ['reader.died'] : CUT_OFF);
    },
    120_000,
  );

  it.each(SIDES)(
    'loses nothing when replies to the %s are lost, each command once',
    async (who) => {
      const commands = COMMANDS[who];
      let lost = 0;
      const result = await underLoad(who, commands.length * 2_000 + 2_000, async () => {
        for (const command of commands) {
          links[who].loseReplyTo(command);
          await delay(2_000);
          if (links[who].hasLostReply) lost += 1;
        }
      });
      await expectNothingLost(cluster, result, `lost replies of the ${who}`);
      expectOnly(result, who === 'reader' ? [] : CUT_OFF);
      expect(lost).toBeGreaterThan(2);
    },
    120_000,
  );

  it.runIf(IS_LONG)(
    'loses nothing over links that take 200 ms and lose one packet in fifty',
    async () => {
      const random = new Random(17);
      const both = [links.reader, links.gateway];
      const result = await underLoad('gateway', 6_000, async () => {
        for (const link of both) {
          link.delayMs = 100;
          link.losesChunk = () => random.below(50) === 0;
        }
        await delay(6_000);
      });
      for (const link of both) {
        link.delayMs = 0;
        link.losesChunk = () => false;
      }
      await expectNothingLost(cluster, result, 'links that take 200 ms and lose packets');
      expectOnly(result, []);
    },
    120_000,
  );
});
