// Streams into which somebody writes nonsense, and near misses of it: a reader runs native code and may be anybody's one day. Nobody throws, no
// request of an honest client is left without its one end, and nothing stays behind.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeControl, type Control } from '../../server/src/link/redis/messages.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { KEYS, ModelWorld, settled, type Shown } from './model-world.js';

vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, ms);
    }),
}));

const MESSAGES = isLongForm('test:cluster') ? 10_000 : 500;
/** Two leases, a grace, and the time until a cancelled run is given up. */
const OVER_S = 60;
const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

const VALUES = [
  '',
  'gw@0',
  'r@0',
  'q0',
  '1-0',
  -1,
  0,
  2 ** 53,
  1e308,
  null,
  true,
  [],
  {},
  '\ud800',
  'x'.repeat(300),
];
const CHARACTERS = ['"', '{', '}', '[', ']', ',', ':', '0', 'e', '\\', '\u0000', '\ufffd'] as const;

/** A message with a field less, one of another kind, a part twice, or letters wrong. */
function mutated(message: string, random: Random): string {
  const draw = random.below(4);
  if (draw === 0) return withCharacter(message, random);
  if (draw === 1) return message.slice(0, random.below(message.length));
  const value: unknown = JSON.parse(message);
  const parts = partsOf(value);
  if (parts.length === 0) return withCharacter(message, random);
  const [parent, key] = random.pick(parts);
  if (draw === 2) Reflect.deleteProperty(parent, key);
  else Reflect.set(parent, key, random.below(3) === 0 ? value : random.pick(VALUES));
  try {
    return JSON.stringify(value);
  } catch {
    return message; // it would contain itself
  }
}

function withCharacter(message: string, random: Random): string {
  const at = random.below(message.length);
  return message.slice(0, at) + random.pick(CHARACTERS) + message.slice(at + random.below(2));
}

/** Every place in a value, by its parent. */
function partsOf(value: unknown): (readonly [parent: object, key: string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [[value, key] as const, ...partsOf(child)]);
}

/** To readers alone: some of them are rare. */
const CONTROLS: readonly Control[] = [
  { kind: 'cancel-request', requestId: 'q0' },
  { kind: 'cancel-run', run: 'run' },
  { kind: 'check-runs', gateway: 'gw@0', runs: [{ run: 'run', heard: 1 }] },
  {
    kind: 'ask',
    gateway: 'gw@0',
    ask: { kind: 'ask', requestId: 'question-1', question: { kind: 'model_config' } },
  },
];

describe('hostile messages', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  async function newWorld(): Promise<ModelWorld> {
    const world = new ModelWorld({ gateways: 1, readers: 2 });
    await settled();
    for (let passed = 0; passed < 7; passed += 1) await world.second(advance);
    return world;
  }

  /** Lets honest requests run while every so often a message of the stream is repeated with a fault. */
  async function feed(
    streamsOf: (world: ModelWorld) => readonly string[],
    first: readonly string[],
  ): Promise<ModelWorld> {
    const world = await newWorld();
    const random = new Random(5);
    const seen: string[] = [...first];
    const faulty = new Set<string>();
    const [gateway] = world.gateways;
    for (let fed = 0; fed < MESSAGES && gateway !== undefined; fed += 1) {
      if (fed % 25 === 0) world.submit(gateway, fed % 50 === 0);
      if (fed % 100 === 99) world.cancel(random.pick(world.shown.slice(-3)));
      for (let moves = 0; moves < 6; moves += 1) await nextMove(world, random);
      const streams = streamsOf(world);
      for (const stream of streams)
        for (const message of [...(world.redis.streams.get(stream)?.entries.values() ?? [])].slice(0, 3))
          if (!faulty.has(message)) seen.push(message);
      if (seen.length > 200) seen.splice(0, seen.length - 200);
      if (seen.length > 0) {
        const message = mutated(random.pick(seen), random);
        faulty.add(message);
        world.redis.add(random.pick(streams), message);
      }
      if (fed % 20 === 19) await world.second(advance);
    }
    return world;
  }

  async function nextMove(world: ModelWorld, random: Random): Promise<void> {
    const { ready } = world.redis;
    const draw = random.below(10);
    if (draw < 6 && ready.length > 0) world.redis.serve(random.pick(ready));
    else if (draw < 8) random.pick(world.readers).step();
    else if (draw === 8) random.pick(world.gateways).deliver();
    else random.pick(world.readers).control();
    await settled();
  }

  async function expectHonest(world: ModelWorld): Promise<void> {
    const [gateway] = world.gateways;
    const last = gateway === undefined ? undefined : world.submit(gateway, true);
    const nothing = { queued: 0, placed: 0, pending: 0, tiles: 0, open: 0 };
    const isOver = (): boolean =>
      world.shown.every((shown) => endsOf(shown) > 0) &&
      JSON.stringify(world.leftovers) === JSON.stringify(nothing);
    for (let passed = 0; passed < OVER_S && !isOver(); passed += 1) await world.second(advance);
    for (const shown of world.shown) expect(endsOf(shown), JSON.stringify(shown.events)).toBe(1);
    expect(last?.events.at(-1)).toMatchObject({ kind: 'done' });
    expect(world.leftovers).toEqual(nothing);
  }

  const endsOf = ({ events, ends }: Shown): number =>
    ends.length + events.filter(({ kind }) => kind !== 'token').length;

  it.each([
    ['gateways', () => [KEYS.events('gw@0')], []],
    [
      'readers as requests',
      ({ readers }: ModelWorld) => [KEYS.queue, ...readers.map(({ name }) => KEYS.placed(name))],
      [],
    ],
    [
      'readers as control messages',
      ({ readers }: ModelWorld) => readers.map(({ name }) => KEYS.control(name)),
      CONTROLS.map(writeControl),
    ],
  ])(
    'for %s: each honest request ends once, and nothing stays',
    { timeout: 900_000 },
    async (_who, streamsOf, first) => {
      const world = await feed(streamsOf, first);
      await expectHonest(world);
      process.stdout.write(`${MESSAGES} messages: ${world.warnings.length} were not understood\n`);
      // Neither all of them nor none: near misses are the ones that count.
      expect(world.warnings.length).toBeGreaterThan(MESSAGES / 10);
      expect(world.warnings.length).toBeLessThan((MESSAGES * 19) / 20);
    },
  );

  it('a reader that tells events of another one’s run is not heard', async () => {
    const world = await newWorld();
    const [gateway] = world.gateways;
    const shown = gateway === undefined ? undefined : world.submit(gateway, false);
    await world.drain();
    for (const reader of world.readers) reader.step();
    await settled();
    await world.drain();
    const run = shown?.events.flatMap((event) => (event.kind === 'token' ? event.text.split(' ') : []))[0];
    const forged = { kind: 'token', requestId: run, prompt: 0, text: 'forged' };
    const items = [{ kind: 'event', seq: 1, event: forged }];
    world.redis.add(KEYS.events('gw@0'), JSON.stringify({ from: 'somebody', items }));
    await expectHonest(world);
    expect(JSON.stringify(shown?.events)).not.toContain('forged');
    expect(shown?.events.at(-1)).toMatchObject({ kind: 'done', finishReason: 'stop' });
  });

  it('a reader that says it began the request of another one, and then nothing, does not keep it', async () => {
    const world = await newWorld();
    const [gateway] = world.gateways;
    const shown = gateway === undefined ? undefined : world.submit(gateway, false);
    const items = [{ kind: 'began', requestId: shown?.id, run: 'forged' }];
    world.redis.add(KEYS.events('gw@0'), JSON.stringify({ from: 'somebody', items }));
    gateway?.deliver();
    for (let passed = 0; passed < 10; passed += 1) await world.second(advance);
    expect(shown?.ends).toMatchObject([{ kind: 'lost' }]);
    await expectHonest(world);
  });

  it('tiles that are not what they are said to be reach no engine; the gateway sends them again', async () => {
    const world = await newWorld();
    const [gateway] = world.gateways;
    const shown = gateway === undefined ? undefined : world.submit(gateway, true);
    await settled();
    const set = world.redis.ready.find(({ name }) => name === 'SET');
    if (set !== undefined) world.redis.serve(set);
    const key = [...world.redis.strings.keys()].find((known) => known.startsWith(KEYS.tiles('gw@0', '')));
    world.redis.strings.set(key ?? '', Buffer.of(3, 2, 1));
    await world.drain();
    await expectHonest(world);
    expect(gateway?.group.counts.resubmitted).toBe(1);
    expect(shown?.events.at(-1)).toMatchObject({ kind: 'done', finishReason: 'stop' });
  });
});
