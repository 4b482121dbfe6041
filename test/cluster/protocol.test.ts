// The protocol between gateways and readers against a model of Redis: every order of what two readers, a client and Redis may do to one
// request, and random walks of many. Whatever happens: one run is shown, in order, with one end, and nothing is left over.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LEASE_MS } from '../../server/src/link/redis/leases.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { KEYS, ModelWorld, settled, type Shown } from './model-world.js';

vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, ms);
    }),
}));

const IS_LONG = isLongForm('test:cluster');
/** `npm test` tries every so many orders. */
const STRIDE = IS_LONG ? 1 : 23;
const WALKS = IS_LONG ? 1_000 : 40;
/** By when everything is over: two leases, a grace and the time until a cancelled run is given up. */
/** Steps within it share an entry. */
const PACE_MS = 5;
const OVER_S = 60;

const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

interface Move {
  readonly name: string;
  readonly make: (world: ModelWorld) => void | Promise<void>;
}

/** Serves the oldest command of that name of the reader. */
const served = (name: string, reader: number, losesReply = false): Move => ({
  name: `${name} of reader ${reader}${losesReply ? ', whose reply is lost' : ''}`,
  make: ({ redis, readers }) => {
    const command = redis.ready.find(
      (ready) => ready.name === name && ready.connection === readers[reader]?.commands,
    );
    if (command !== undefined) redis.serve(command, losesReply);
  },
});
const step = (reader: number): Move => ({
  name: `step of reader ${reader}`,
  make: ({ readers }) => readers[reader]?.step(),
});
const CANCEL: Move = {
  name: 'cancel',
  make: (world) => {
    const [shown] = world.shown;
    if (shown !== undefined) world.cancel(shown);
    serveOf(world, 'cancel');
  },
};
const CLAIM: Move = {
  name: 'claim by reader 1',
  make: async (world) => {
    world.redis.age(LEASE_MS);
    const reader = world.readers[1];
    void reader?.work.claim(1).catch(() => undefined);
    for (const name of ['claim', 'EXISTS', 'GET']) {
      await settled();
      serveOf(world, name);
    }
    await settled();
    reader?.step();
  },
};
const MOVE: Move = {
  name: 'move',
  make: async (world) => {
    await advance(150);
    for (const name of ['SET', 'move']) {
      await settled();
      serveOf(world, name);
    }
  },
};
/** A reader takes what there is, and says its first token. */
const take = (reader: number): Move => ({
  name: `take by reader ${reader}`,
  make: async (world) => {
    const { redis, readers } = world;
    const taking = redis.ready.find(({ connection }) => connection === readers[reader]?.waiting);
    if (taking !== undefined) redis.serve(taking);
    for (const name of ['EXISTS', 'GET']) {
      await settled();
      serveOf(world, name);
    }
    await settled();
    readers[reader]?.step();
  },
});
const RESTART: Move = { name: 'restart', make: (world) => world.restart() };
const DELIVER: Move = { name: 'deliver', make: ({ gateways }) => gateways[0]?.deliver() };

function serveOf({ redis }: ModelWorld, name: string): void {
  const command = redis.ready.find((ready) => ready.name === name);
  if (command !== undefined) redis.serve(command);
}

function* orders<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield [];
  for (const [index, first] of items.entries())
    for (const rest of orders([...items.slice(0, index), ...items.slice(index + 1)])) yield [first, ...rest];
}

/** Two readers that wait for work. */
async function newWorld(gateways = 1, readers = 2): Promise<ModelWorld> {
  const world = new ModelWorld({ gateways, readers });
  await settled();
  await world.drain();
  // Long enough for everybody to judge.
  for (let passed = 0; passed < 7; passed += 1) await world.second(advance);
  return world;
}

/** @throws an AssertionError that says what the client saw */
function expectOneAnswer({ id, events, ends, isCancelled, gateway }: Shown, isCalm: boolean): void {
  if (!gateway.isAlive) return;
  const terminal = events.filter(({ kind }) => kind !== 'token');
  const seen = JSON.stringify({ id, events, ends });
  expect(terminal.length + ends.length, seen).toBe(1);
  if (terminal.length > 0) expect(events.at(-1), seen).toBe(terminal[0]);
  const texts = events.flatMap((event) => (event.kind === 'token' ? [event.text.split(' ')] : []));
  expect(new Set(texts.map(([run]) => run)).size, seen).toBeLessThanOrEqual(1);
  expect(
    texts.map(([, index]) => Number(index)),
    seen,
  ).toEqual([...texts.keys()]);
  const isDone = events.at(-1)?.kind === 'done';
  if (isCalm && !isCancelled) expect(isDone, seen).toBe(true);
  if (isDone && !isCancelled) expect(texts, seen).toHaveLength(2);
}

async function expectRest(world: ModelWorld, isCalm: boolean): Promise<void> {
  const isOpen = ({ events, ends, gateway }: Shown): boolean =>
    gateway.isAlive && ends.length === 0 && events.every(({ kind }) => kind === 'token');
  await world.drain();
  const nothing = { queued: 0, placed: 0, pending: 0, tiles: 0, open: 0 };
  const isOver = (): boolean =>
    !world.shown.some(isOpen) && JSON.stringify(world.leftovers) === JSON.stringify(nothing);
  for (let passed = 0; passed < OVER_S && !isOver(); passed += 1) await world.second(advance);
  for (const shown of world.shown) expectOneAnswer(shown, isCalm);
  expect(world.leftovers).toEqual(nothing);
}

describe('gateway and readers at a model of Redis', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  async function tryOrders(
    prepare: () => Promise<ModelWorld>,
    moves: readonly Move[],
    isCalm: (made: readonly Move[]) => boolean,
  ): Promise<number> {
    let tried = 0;
    let number = 0;
    for (const order of orders(moves)) {
      number += 1;
      if (number % STRIDE !== 0 && number !== 1) continue;
      const world = await prepare();
      for (const move of order) {
        await move.make(world);
        await settled();
      }
      try {
        await expectRest(world, isCalm(order));
      } catch (error) {
        throw new Error(`in the order ${order.map(({ name }) => name).join(' → ')}`, { cause: error });
      }
      tried += 1;
    }
    return tried;
  }

  /** One reader has taken the only request and asks whether it may begin. */
  async function asking(): Promise<ModelWorld> {
    const world = await newWorld();
    const [gateway] = world.gateways;
    if (gateway !== undefined) world.submit(gateway, true);
    for (const name of ['SET', 'submit']) {
      await settled();
      serveOf(world, name);
    }
    await settled();
    await take(0).make(world);
    await settled();
    return world;
  }

  it('go on when Redis is lost while a reader fetches an image', async () => {
    const world = await newWorld();
    const [gateway] = world.gateways;
    if (gateway !== undefined) world.submit(gateway, true);
    for (const name of ['SET', 'submit', 'XREADGROUP']) {
      await settled();
      serveOf(world, name);
    }
    await settled();
    expect(world.redis.inFlight.map(({ name }) => name)).toEqual(expect.arrayContaining(['EXISTS', 'GET']));
    await world.restart();
    await expectRest(world, true);
  });

  it('show the first token with the news that an answer has begun, which is one trip to Redis', async () => {
    const world = await asking();
    serveOf(world, 'begin');
    await settled();
    expect(world.redis.inFlight.map(({ name }) => name)).not.toContain('tell');
    world.gateways[0]?.deliver();
    expect(world.shown[0]?.events).toMatchObject([{ kind: 'token' }]);
    await expectRest(world, true);
  });

  it('do not begin what a gateway has left that is gone', async () => {
    const world = await newWorld();
    const [gateway] = world.gateways;
    if (gateway === undefined) throw new Error('there is no gateway');
    world.submit(gateway, false);
    await settled();
    serveOf(world, 'submit');
    await settled();
    world.kill(gateway);
    await take(0).make(world);
    await world.drain();
    expect(world.redis.streams.get(KEYS.events(gateway.name))?.entries.size ?? 0).toBe(0);
    await expectRest(world, false);
  });

  /** The reader tells so many steps of a begun answer; Redis has them and loses them before the gateway has read them. */
  async function losing(steps: number): Promise<ModelWorld> {
    const world = await asking();
    await world.drain();
    for (let made = 0; made < steps; made += 1) {
      world.readers[0]?.step();
      await settled();
      await advance(PACE_MS);
      serveOf(world, 'tell');
      await settled();
    }
    expect(world.redis.drain(KEYS.events('gw@0'))).toHaveLength(steps);
    return world;
  }

  it.each([
    ['an event in the middle', 1],
    ['the last events', 2],
  ])('show %s of an answer that Redis has lost, told again', async (_what, steps) => {
    const world = await losing(steps);
    await expectRest(world, true);
    expect(world.gateways[0]?.group.counts.gaps).toBe(steps === 1 ? 1 : 0);
  });

  it('end an answer whose last events Redis has lost, and its reader has forgotten', async () => {
    const world = await losing(2);
    for (let passed = 0; passed < 41; passed += 1) {
      await advance(1_000);
      await world.readers[0]?.remote.beat();
    }
    await expectRest(world, false);
    expect(world.shown[0]?.events.at(-1)).toMatchObject({ kind: 'error', code: 'reader.died' });
  });

  const BEGUN = [served('begin', 0), CLAIM, served('begin', 1), DELIVER];
  it.each([
    ['begin, claim and delivery', BEGUN],
    ['begin, claim, delivery and cancel', [...BEGUN, CANCEL]],
    ['begin, claim, delivery and restart', [...BEGUN, RESTART]],
    ['begin, claim, delivery, cancel and restart', [...BEGUN, CANCEL, RESTART]],
    [
      'a begin whose reply is lost, claim, delivery, cancel and restart',
      [served('begin', 0, true), ...BEGUN.slice(1), CANCEL, RESTART],
    ],
    ['steps between begin, claim and delivery', [...BEGUN, step(0), step(1)]],
  ])('show one run, once, whatever the order of %s', { timeout: 300_000 }, async (_what, moves) => {
    const isCalm = !moves.includes(RESTART);
    expect(await tryOrders(asking, moves, () => isCalm)).toBeGreaterThan(0);
  });

  /** The only request is in the stream of the reader that has its image. */
  async function placed(): Promise<ModelWorld> {
    const world = await newWorld();
    const [gateway] = world.gateways;
    if (gateway === undefined) return world;
    world.submit(gateway, true);
    for (let passed = 0; passed < 8; passed += 1) await world.second(advance);
    const holder = world.readers.find(({ remote }) => remote.tiles.length > 0);
    if (holder !== world.readers[0]) world.readers.reverse();
    world.shown.splice(0);
    world.submit(gateway, true);
    await settled();
    serveOf(world, 'place');
    await settled();
    expect(world.redis.streams.get(KEYS.placed(world.readers[0]?.name ?? ''))?.entries.size).toBe(1);
    return world;
  }

  it('answer a placed request that its reader has taken without hearing of it', async () => {
    const world = await placed();
    const taking = world.redis.ready.find(({ connection }) => connection === world.readers[0]?.waiting);
    if (taking === undefined) throw new Error('its reader does not read');
    world.redis.serve(taking, true);
    await expectRest(world, true);
  });

  const MOVED = [take(0), served('begin', 0), MOVE, take(1), served('begin', 1), DELIVER];
  it.each([
    ['take, begin, move and delivery', MOVED],
    ['take, begin, move and cancel', [...MOVED.slice(0, -1), CANCEL]],
    ['take, begin, move and restart', [...MOVED.slice(0, -1), RESTART]],
  ])('answer a placed request once, whatever the order of %s', { timeout: 600_000 }, async (_what, moves) => {
    const isCalm = !moves.includes(RESTART);
    expect(await tryOrders(placed, moves, () => isCalm)).toBeGreaterThan(0);
  });

  it('keep every promise over random walks', { timeout: 1_800_000 }, async () => {
    const outcomes: Record<string, number> = {};
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const world = await newWorld(2, 3);
      const faults = await walk(world, new Random(seed));
      try {
        await expectRest(world, faults === 0);
      } catch (error) {
        throw new Error(`in the walk of seed ${seed}`, { cause: error });
      }
      for (const { events, ends } of world.shown) {
        const last = ends[0]?.kind ?? events.at(-1)?.kind ?? 'gateway killed';
        outcomes[last] = (outcomes[last] ?? 0) + 1;
      }
    }
    process.stdout.write(`${WALKS} random walks: ${JSON.stringify(outcomes)}\n`);
    expect(outcomes['done']).toBeGreaterThan(WALKS);
  });
});

/** A hundred moves at random. @returns how many of them were faults */
async function walk(world: ModelWorld, random: Random): Promise<number> {
  let faults = 0;
  for (let moves = 0; moves < 100; moves += 1) {
    const draw = random.below(100);
    const reader = random.pick(world.readers.filter(({ isAlive }) => isAlive));
    const gateway = random.pick(world.gateways.filter(({ isAlive }) => isAlive));
    const { ready } = world.redis;
    if (draw < 50 && ready.length > 0) {
      const losesReply = random.below(50) === 0;
      world.redis.serve(random.pick(ready), losesReply);
      if (losesReply) faults += 1;
    } else if (draw < 60) world.submit(gateway, random.below(2) === 0);
    else if (draw < 70) reader.step();
    else if (draw < 80) gateway.deliver();
    else if (draw < 85) reader.control();
    else if (draw < 88 && world.shown.length > 0) world.cancel(random.pick(world.shown));
    else if (draw < 94) await advance(random.below(1_000));
    else if (draw < 97) {
      void reader.presence.beat();
      void gateway.presence.beat();
    } else if (draw < 98) {
      faults += 1;
      await world.restart();
    } else if (draw < 99 && world.readers.filter(({ isAlive }) => isAlive).length > 1) {
      faults += 1;
      world.kill(reader);
    } else if (world.gateways.every(({ isAlive }) => isAlive) && random.below(4) === 0) {
      faults += 1;
      world.kill(gateway);
    }
    await settled();
  }
  return faults;
}
