import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import { messageOf } from '../answer/message.fixture.js';
import { ReaderRegistry } from './registry.js';
import { CARD, ScriptedReaders, START, silent, PATIENT } from './scripted-reader.fixture.js';
import { ReaderSupervisor } from './supervisor.js';
import { VERSIONS } from '../../link/messages.js';
import { NO_SECRETS } from '../../link/secrets.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const ROUTE = { onEvent: () => undefined, onReaderLost: () => undefined };
const NEVER = new AbortController().signal;
const any = (): boolean => true;

interface Given {
  readonly group: string;
  readonly card: ReaderCard | null;
}

async function registryOf(...given: Given[]) {
  const lives: ScriptedReaders[] = [];
  const supervisors = given.map(({ group, card }, index) => {
    const readers = new ScriptedReaders(silent);
    readers.card = card;
    lives.push(readers);
    return new ReaderSupervisor({
      start: { ...START, readerId: `reader${index}` },
      consumerGroup: group,
      secrets: NO_SECRETS,
      launch: readers.launch,
      limits: PATIENT,
      random: () => 0,
      onLog: () => undefined,
      onState: () => registry.announceChange(),
    });
  });
  const registry: ReaderRegistry = new ReaderRegistry(supervisors);
  for (const supervisor of supervisors) supervisor.start();
  await vi.advanceTimersByTimeAsync(0);
  return { registry, supervisors, lives };
}

const live = (group: string): Given => ({ group, card: CARD });
const loading = (group: string): Given => ({ group, card: null });

describe('pickLive', () => {
  it('takes the reader of the group with the fewest open prompts', async () => {
    const { registry, supervisors } = await registryOf(live('a'), live('a'), live('b'));
    supervisors[0]?.generate(messageOf(2, 'r1'), ROUTE);
    expect(registry.pickLive('a')?.supervisor.readerId).toBe('reader1');
    supervisors[1]?.generate(messageOf(3, 'r2'), ROUTE);
    expect(registry.pickLive('a')?.supervisor.readerId).toBe('reader0');
    expect(registry.pickLive('b')?.supervisor.readerId).toBe('reader2');
    expect(registry.pickLive('c')).toBeUndefined();
  });

  it('passes over readers that load, are dead, or have another kind of model', async () => {
    const { registry, lives } = await registryOf(loading('a'), live('a'), live('a'));
    lives[1]?.last.die();
    await vi.advanceTimersByTimeAsync(0);
    expect(registry.pickLive('a')?.supervisor.readerId).toBe('reader2');
    expect(registry.pickLive('a', (card) => card.vision === null)).toBeUndefined();
  });
});

describe('isReady', () => {
  it('needs a live reader in every group', async () => {
    const { registry, lives } = await registryOf(live('a'), loading('a'), loading('b'));
    expect(registry.isReady).toBe(false);
    lives[2]?.last.say({ kind: 'ready', versions: VERSIONS, card: CARD });
    await vi.advanceTimersByTimeAsync(0);
    expect(registry.isReady).toBe(true);
  });
});

describe('waitForLive', () => {
  it('gives a live reader at once, and otherwise the one that becomes live', async () => {
    const { registry, lives } = await registryOf(live('a'), loading('b'));
    expect((await registry.waitForLive('a', any, 1000, NEVER))?.supervisor.readerId).toBe('reader0');
    const waited = registry.waitForLive('b', any, 1000, NEVER);
    lives[1]?.last.say({ kind: 'ready', versions: VERSIONS, card: CARD });
    expect((await waited)?.supervisor.readerId).toBe('reader1');
    // One for the pulse of each live reader.
    expect(vi.getTimerCount()).toBe(2);
  });

  it('gives up after the time, and as soon as the signal fires', async () => {
    const { registry } = await registryOf(loading('a'));
    const late = registry.waitForLive('a', any, 1000, NEVER);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await late).toBeUndefined();
    const stop = new AbortController();
    const stopped = registry.waitForLive('a', any, 1000, stop.signal);
    stop.abort();
    expect(await stopped).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
