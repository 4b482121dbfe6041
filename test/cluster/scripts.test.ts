// What the scripts promise, each against a real server: who may begin, who gets what back, and what two of them do to one entry at once.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { READERS_GROUP } from 'takeoff-server/link/redis/keys.js';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { claimedOf, entriesOf } from 'takeoff-server/link/redis/replies.js';
import {
  BACK,
  BEGIN,
  CANCEL,
  CHECK,
  CLAIM,
  FORGET,
  MOVE,
  PLACE,
  RENEW,
  SUBMIT,
} from 'takeoff-server/link/redis/scripts.js';
import { RedisServer, sayWhyNoRedis } from '../../harness/redis-server.js';

const QUEUE = 'tk:1:{g}:queue';
const PLACED = 'tk:1:{g}:at:r1';
const EVENTS = 'tk:1:{g}:ev:gw';
const NOTE = 'tk:1:{g}:note:run';
const READERS = 'tk:1:{g}:readers';
const LEASE = 'tk:1:{g}:reader:r1';
const CONTROL = 'tk:1:{g}:ctl:';

describe.skipIf(sayWhyNoRedis())('the scripts in Redis', () => {
  let server: RedisServer;
  let redis: RedisConnection;

  beforeAll(async () => {
    server = await RedisServer.start();
    const address = readRedisAddress({ url: server.url, caFile: null, certFile: null, keyFile: null });
    await new Promise<void>((resolve) => {
      redis = new RedisConnection(address, { onUp: resolve });
    });
  });
  afterAll(async () => {
    await redis.close();
    await server.stop();
  });
  beforeEach(async () => {
    await redis.send(['FLUSHALL']);
    await redis.send(['XGROUP', 'CREATE', QUEUE, READERS_GROUP, '0', 'MKSTREAM']);
  });

  const submit = async (message = '{}', bound = 10) =>
    String(await redis.run(SUBMIT, [QUEUE], [String(bound), message]));
  const take = async (reader: string, stream = QUEUE) =>
    entriesOf(
      await redis.send(['XREADGROUP', 'GROUP', READERS_GROUP, reader, 'COUNT', '1', 'STREAMS', stream, '>']),
    )[0]?.id;
  const begin = (entry: string, reader: string) =>
    redis.run(BEGIN, [QUEUE, EVENTS, NOTE], [entry, reader, 'began']);
  const told = async (stream: string) =>
    entriesOf(await redis.send(['XREAD', 'STREAMS', stream, '0-0'])).map(({ message }) => message);

  it('submit adds a request, and refuses one more than the bound', async () => {
    await submit('one', 1);
    expect(await redis.run(SUBMIT, [QUEUE], ['1', 'two'])).toBeNull();
    expect(await redis.send(['XLEN', QUEUE])).toBe(1);
  });

  it('begin says yes to the reader that has the entry, tells the gateway once and says yes again when it is asked again', async () => {
    const entry = await submit();
    await take('r1');
    expect(await begin(entry, 'r1')).toBe(1);
    expect(await begin(entry, 'r1')).toBe(1);
    expect(await told(EVENTS)).toEqual(['began']);
    expect(await redis.send(['XLEN', QUEUE])).toBe(0);
  });

  it('begin says no to a reader whose entry another one has claimed', async () => {
    const entry = await submit();
    await take('r1');
    await redis.send(['XCLAIM', QUEUE, READERS_GROUP, 'r2', '0', entry]);
    expect(await begin(entry, 'r1')).toBe(0);
    expect(await begin(entry, 'r2')).toBe(1);
  });

  it('begin says no where the entry, its group or the whole stream is gone', async () => {
    const entry = await submit();
    await take('r1');
    await redis.send(['XDEL', QUEUE, entry]);
    expect(await begin(entry, 'r1')).toBe(0);
    await redis.send(['DEL', QUEUE]);
    expect(await begin(entry, 'r1')).toBe(0);
    expect(await told(EVENTS)).toEqual([]);
  });

  it('back gives a request to its gateway once, and only from the reader that has it', async () => {
    const entry = await submit();
    await take('r1');
    expect(await redis.run(BACK, [QUEUE, EVENTS], [entry, 'r2', 'back'])).toBe(0);
    expect(await redis.run(BACK, [QUEUE, EVENTS], [entry, 'r1', 'back'])).toBe(1);
    expect(await redis.run(BACK, [QUEUE, EVENTS], [entry, 'r1', 'back'])).toBe(0);
    expect(await told(EVENTS)).toEqual(['back']);
  });

  it('cancel deletes what has not begun and tells the reader that has taken it', async () => {
    const [first, second] = [await submit(), await submit()];
    await take('r1');
    expect(await redis.run(CANCEL, [QUEUE, CONTROL], [first, 'stop'])).toBe(1);
    expect(await redis.run(CANCEL, [QUEUE, CONTROL], [second, 'stop'])).toBe(1);
    expect(await told(`${CONTROL}r1`)).toEqual(['stop']);
    expect(await begin(first, 'r1')).toBe(0);
    expect(await redis.send(['XLEN', QUEUE])).toBe(0);
  });

  it('cancel and begin of one entry at the same time: exactly one of them wins', async () => {
    for (let round = 0; round < 50; round += 1) {
      const entry = await submit();
      await take('r1');
      await redis.send(['DEL', NOTE]);
      const both = [begin(entry, 'r1'), redis.run(CANCEL, [QUEUE, CONTROL], [entry, 'stop'])];
      const results = await Promise.all(round % 2 === 0 ? both : both.reverse());
      expect(results.sort()).toEqual([0, 1]);
    }
  });

  it('check tells the gateway behind everything else which entries are gone', async () => {
    const [kept, begun] = [await submit(), await submit()];
    await take('r1');
    await take('r1');
    await begin(begun, 'r1');
    await redis.run(CHECK, [EVENTS, QUEUE], ['7', '2', kept, '2', begun]);
    expect(await told(EVENTS)).toEqual([
      'began',
      `{"from":"","items":[{"kind":"gone","mark":7,"entries":["${begun}"]}]}`,
    ]);
  });

  it('renew keeps the entries that are still the reader’s, and takes none back that another one has claimed', async () => {
    const [kept, lost] = [await submit(), await submit()];
    await take('r1');
    await take('r1');
    await redis.send(['XCLAIM', QUEUE, READERS_GROUP, 'r2', '0', lost]);
    expect(await redis.run(RENEW, [QUEUE], ['r1', kept, lost])).toEqual([kept]);
    expect(await begin(lost, 'r2')).toBe(1);
  });

  it('claim takes over what has been idle, counts its deliveries and gets past what is fresh', async () => {
    const old = await submit('old');
    await take('r1');
    for (let i = 0; i < 30; i += 1) {
      await submit(`fresh ${i}`, 100);
      await take('r2');
    }
    const last = await submit('last', 100);
    await take('r1');
    const idle = ['XCLAIM', QUEUE, READERS_GROUP, 'r1', '0', old, last, 'IDLE', '60000', 'JUSTID'];
    await redis.send(idle);
    const found: { message: string; deliveries: number }[] = [];
    let cursor = '0-0';
    do {
      const claimed = claimedOf(await redis.run(CLAIM, [QUEUE], ['r3', '5000', cursor, '1']));
      ({ cursor } = claimed);
      found.push(...claimed.entries.map(({ message, deliveries }) => ({ message, deliveries })));
    } while (cursor !== '0-0');
    expect(found).toEqual([
      { message: 'old', deliveries: 2 },
      { message: 'last', deliveries: 2 },
    ]);
  });

  it('move takes a placed request that its reader has not taken, or whose reader is gone, and no other', async () => {
    await redis.send(['XGROUP', 'CREATE', PLACED, READERS_GROUP, '0', 'MKSTREAM']);
    const place = async () => String(await redis.run(PLACE, [PLACED], ['light']));
    const [untaken, taken] = [await place(), await place()];
    expect(await redis.run(MOVE, [PLACED, QUEUE], [untaken, 'whole', '0'])).not.toBeNull();
    await take('r1', PLACED);
    expect(await redis.run(MOVE, [PLACED, QUEUE], [taken, 'whole', '0'])).toBeNull();
    expect(await redis.run(MOVE, [PLACED, QUEUE], [taken, 'whole', '1'])).not.toBeNull();
    expect(await told(QUEUE)).toEqual(['whole', 'whole']);
  });

  it('forget removes a dead reader, but none that lives and none whose entries nobody has claimed', async () => {
    await redis.send(['SADD', READERS, 'r1']);
    const forget = () => redis.run(FORGET, [QUEUE, READERS, LEASE], ['r1']);
    const entry = await submit();
    await take('r1');
    await redis.send(['SET', LEASE, '{}']);
    expect(await forget()).toBe(0);
    await redis.send(['DEL', LEASE]);
    expect(await forget()).toBe(0);
    await redis.send(['XACK', QUEUE, READERS_GROUP, entry]);
    expect(await forget()).toBe(1);
    expect(await redis.send(['SMEMBERS', READERS])).toEqual([]);
  });

  it('begin, back, cancel and check work where Redis has no memory left; submit is refused', async () => {
    const entries = [await submit(), await submit(), await submit()];
    for (const entry of entries) expect(await take('r1')).toBe(entry);
    await redis.send(['CONFIG', 'SET', 'maxmemory', '1']);
    try {
      await expect(submit()).rejects.toMatchObject({ word: 'OOM' });
      expect(await begin(entries[0] ?? '', 'r1')).toBe(1);
      expect(await redis.run(BACK, [QUEUE, EVENTS], [entries[1] ?? '', 'r1', 'back'])).toBe(1);
      expect(await redis.run(CANCEL, [QUEUE, CONTROL], [entries[2] ?? '', 'stop'])).toBe(1);
      await redis.run(CHECK, [EVENTS, QUEUE], ['1', '2', entries[0] ?? '']);
      expect(await redis.send(['XLEN', QUEUE])).toBe(0);
    } finally {
      await redis.send(['CONFIG', 'SET', 'maxmemory', '0']);
    }
  });

  it('a server that has forgotten the scripts is sent them again', async () => {
    await redis.send(['SCRIPT', 'FLUSH']);
    expect(await submit()).toMatch(/^\d+-\d+$/u);
  });
});
