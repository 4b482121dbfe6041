import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isLongForm } from '../../../../harness/long-form.js';
import { Random } from '../../../../harness/random.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import { messageOf } from '../answer/message.fixture.js';
import { detailedStatus } from '../http/management/status-answer.js';
import type { ReaderService } from './reader-service.js';
import { isTransition } from './reader-state.js';
import type { ScriptedReader } from './scripted-reader.fixture.js';
import { CARD, PATIENT, ScriptedReaders, silent } from './scripted-reader.fixture.js';
import { isReady, scriptedService } from './scripted-service.fixture.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const silentReaders = (): ScriptedReaders => new ScriptedReaders(silent);

describe('ReaderService', () => {
  it('lists readers and groups as they are added', async () => {
    const { service, add } = scriptedService([{ readers: silentReaders() }], { reservedGroups: ['later'] });
    add('another', { readers: silentReaders(), group: 'second' });
    await settle();
    expect(service.readers().map(({ readerId, state }) => [readerId, state.kind])).toEqual([
      ['reader1', 'live'],
      ['another', 'live'],
    ]);
    expect(service.groups()).toEqual([
      { name: 'later', isReady: false, failure: null, readerCount: 0 },
      { name: 'primary', isReady: true, failure: null, readerCount: 1 },
      { name: 'second', isReady: true, failure: null, readerCount: 1 },
    ]);
  });

  it('refuses an id that is taken, and takes it again once its reader was removed', async () => {
    const readers = silentReaders();
    const { service, add } = scriptedService([{ readers }]);
    await settle();
    expect(() => add('reader1', { readers })).toThrow('"reader1" is taken');
    expect(readers.lives).toHaveLength(1);
    await service.remove('reader1');
    add('reader1', { readers });
    await settle();
    expect(readers.lives).toHaveLength(2);
    expect(isReady(service)).toBe(true);
  });

  it('serves several groups with one reader, and others of them after a change', async () => {
    const readers = silentReaders();
    const { service } = scriptedService([{ readers, groups: ['a', 'b'] }]);
    await settle();
    expect([isReady(service, 'a'), isReady(service, 'b')]).toEqual([true, true]);
    expect(service.readers()).toMatchObject([{ consumerGroups: ['a', 'b'] }]);
    service.regroup('reader1', ['b', 'c']);
    expect(service.groups()).toMatchObject([
      { name: 'b', isReady: true },
      { name: 'c', isReady: true },
    ]);
    expect(() => service.regroup('nobody', ['a'])).toThrow('No reader of this server has the id "nobody"');
  });

  it('tells a reader its limit, and tells it again to the one that takes its place', async () => {
    const readers = silentReaders();
    const { service } = scriptedService([{ readers }]);
    await settle();
    service.limitBatch('reader1', 2);
    expect(await readers.last.next('limit')).toEqual({ kind: 'limit', maxBatchSize: 2 });
    readers.last.die();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await readers.last.next('limit')).toEqual({ kind: 'limit', maxBatchSize: 2 });
    expect(service.readers()).toMatchObject([{ maxBatchSize: 2, restarts: 1 }]);
  });

  it('ends a reader at once where it is not to be drained, although it has work', async () => {
    const readers = silentReaders();
    const { service } = scriptedService([{ readers }]);
    await settle();
    const ends: string[] = [];
    service
      .find('primary')
      ?.submit(
        { message: messageOf(1, 'a'), preparedFor: null },
        { onEvent: () => undefined, onEnd: ({ kind }) => ends.push(kind) },
      );
    const draining = service.remove('reader1');
    await settle();
    expect(service.readers()).toMatchObject([{ state: { kind: 'draining' }, openPrompts: 1 }]);
    await service.remove('reader1', 'at-once');
    await draining;
    expect([service.readers(), ends]).toEqual([[], ['lost']]);
  });

  it('knows which ids there are not', async () => {
    const { service } = scriptedService([]);
    await expect(service.drain('nobody')).rejects.toMatchObject({ code: 'request.reader_unknown' });
    await expect(service.remove('nobody')).rejects.toMatchObject({ code: 'request.reader_unknown' });
  });

  it('keeps a drained reader on its list, and takes a removed one off it, with its group', async () => {
    const { service } = scriptedService([{ readers: silentReaders() }]);
    await settle();
    await service.drain('reader1');
    expect(service.readers()).toMatchObject([{ readerId: 'reader1', state: { kind: 'stopped' } }]);
    expect(service.find('primary')).toBeDefined();
    await service.remove('reader1');
    expect(service.readers()).toEqual([]);
    expect(service.find('primary')).toBeUndefined();
  });

  it('lets a reader that is removed finish what it has', async () => {
    const readers = silentReaders();
    const { service } = scriptedService([{ readers }]);
    await settle();
    const heard: string[] = [];
    service
      .find('primary')
      ?.submit(
        { message: messageOf(), preparedFor: null },
        { onEvent: ({ kind }) => heard.push(kind), onEnd: ({ kind }) => heard.push(kind) },
      );
    const removed = service.remove('reader1');
    await vi.advanceTimersByTimeAsync(60_000);
    readers.last.token('r', 'x');
    readers.last.done('r');
    await removed;
    expect(heard).toEqual(['token', 'done']);
    expect(readers.lives).toHaveLength(1);
  });

  it('keeps a reader that was added under the id of one that two removals took away', async () => {
    const { service, add } = scriptedService([{ readers: silentReaders() }]);
    await settle();
    const removals = [service.remove('reader1'), service.remove('reader1')];
    await removals[0];
    add('reader1', { readers: silentReaders() });
    await Promise.all(removals);
    await settle();
    expect(isReady(service)).toBe(true);
  });

  it('takes no reader any more after it was stopped', async () => {
    const { service, add } = scriptedService([{ readers: silentReaders() }]);
    await settle();
    await service.stop();
    expect(() => add('late', { readers: silentReaders() })).toThrow('shutting down');
  });
});

/** A request of a trace, and what its listener heard. */
interface Asked {
  readonly promptCount: number;
  readonly terminal: Set<number>;
  isOver: boolean;
}

/** Readers come and go, die, hang back and answer in any order; requests come, are cancelled, wait. */
class Trace {
  readonly service;
  readonly states;
  readonly asked: Asked[] = [];
  readonly #random: Random;
  readonly #add;
  readonly #readers = new Map<string, ScriptedReaders>();
  readonly #open: { readonly message: GenerateMessage; readonly reader: ScriptedReader }[] = [];
  readonly #removals: Promise<void>[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    const reservedGroups = this.#random.below(2) === 0 ? [] : ['a'];
    const { service, states, add } = scriptedService([], { reservedGroups });
    this.service = service;
    this.states = states;
    this.#add = add;
  }

  step(): void {
    const id = this.#random.pick(['r1', 'r2', 'r3']);
    const readers = this.#readers.get(id);
    switch (this.#random.below(10)) {
      case 0:
        if (!this.service.readers().some(({ readerId }) => readerId === id)) this.#addReader(id);
        break;
      case 1:
        if (this.#random.below(3) === 0)
          this.#take(this.service.remove(id, this.#random.pick(['drained', 'at-once'])));
        break;
      case 2:
        if (this.#random.below(3) === 0) this.#take(this.service.drain(id));
        break;
      case 3:
        if (readers !== undefined && readers.lives.length > 0) readers.last.die();
        break;
      case 4:
        if (readers !== undefined && readers.lives.length > 0) this.#load(readers);
        break;
      case 5:
        if (this.service.has(id)) {
          this.service.regroup(id, this.#random.pick([['a'], ['b'], ['a', 'b']]));
          this.service.limitBatch(id, 1 + this.#random.below(8));
        }
        break;
      case 6:
      case 7:
        this.#ask();
        break;
      default:
        this.#answer();
    }
  }

  /** Everything that can end ends. */
  async finish(): Promise<void> {
    while (this.#open.length > 0) this.#answer();
    await settle();
    await this.service.stop();
    await Promise.all(this.#removals);
    // Requests of a reserved group wait as long as they may.
    await vi.advanceTimersByTimeAsync(PATIENT.firstTokenTimeoutMs);
  }

  #addReader(id: string): void {
    const readers = new ScriptedReaders((message, reader) => void this.#open.push({ message, reader }));
    if (this.#random.below(2) === 0) readers.card = null;
    this.#readers.set(id, readers);
    this.#add(id, { readers, groups: this.#random.pick([['a'], ['b'], ['a', 'b']]) });
  }

  /** Of an id that is not there, too. */
  #take(going: Promise<void>): void {
    this.#removals.push(going.catch(() => undefined));
  }

  #load(readers: ScriptedReaders): void {
    readers.last.say({ kind: 'loading', stage: 'reading', fraction: 0.5 });
    if (this.#random.below(2) === 0)
      readers.last.say({ kind: 'ready', versions: { lifecycle: 1, requests: 1 }, card: CARD });
    readers.card = this.#random.pick([CARD, null]);
  }

  #ask(): void {
    const group = this.service.find(this.#random.pick(['a', 'b']));
    if (group === undefined) return;
    const promptCount = 1 + this.#random.below(3);
    const requestId = `q${this.asked.length}`;
    const asked: Asked = { promptCount, terminal: new Set(), isOver: false };
    this.asked.push(asked);
    const isBegun = group.view().isReady;
    group.submit(
      { message: messageOf(promptCount, requestId), preparedFor: null },
      {
        onEvent: (event) => {
          expect(asked.isOver).toBe(false);
          expect(asked.terminal).not.toContain(event.prompt);
          if (event.kind !== 'token') asked.terminal.add(event.prompt);
          asked.isOver = asked.terminal.size === promptCount;
        },
        onEnd: () => {
          expect(asked.isOver).toBe(false);
          asked.isOver = true;
        },
      },
    );
    if (this.#random.below(5) > 0) return;
    group.cancel(requestId, this.#random.pick(['unwanted', 'stalled'] as const));
    // A reader ends what it has; nobody else would end what waits.
    expect(asked.isOver).toBe(!isBegun);
  }

  #answer(): void {
    const at = this.#random.below(Math.max(1, this.#open.length));
    const open = this.#open[at];
    if (open === undefined) return;
    const { message, reader } = open;
    const prompt = this.#random.below(message.prompts.length);
    if (this.#random.below(2) === 0) reader.token(message.requestId, 'x', prompt);
    if (this.#random.below(2) === 0) return;
    // Some readers say more than they should.
    for (const index of message.prompts.keys()) reader.done(message.requestId, index);
    this.#open.splice(at, 1);
  }
}

/** Every reader is in one list, with the groups that list it as theirs. */
function expectTrueStatus(service: ReaderService): void {
  const { live_readers, dead_readers, loading_readers, consumer_groups } = detailedStatus(service, {}).status;
  const lists = [live_readers, dead_readers, loading_readers];
  const listed = lists.flatMap((list) => Object.keys(list));
  expect(listed.toSorted()).toEqual(
    service
      .readers()
      .map(({ readerId }) => readerId)
      .toSorted(),
  );
  const groups = lists.flatMap((list) => Object.values(list)).flatMap((reader) => reader.consumer_groups);
  // `a` is reserved in half of the traces, and then there without a reader.
  const known = Object.keys(consumer_groups).filter((name) => name !== 'a' || groups.includes(name));
  expect(known.toSorted()).toEqual([...new Set(groups)].toSorted());
}

/** Acceptance runs 200 of them, which take a minute. */
const TRACES = isLongForm('test:readers') ? 200 : 40;

describe('any order of additions, changes, drains, removals, deaths and answers', () => {
  it.each(Array.from({ length: TRACES }, (_, index) => index + 1))(
    'gives each request one end and each reader legal states (trace %i)',
    async (seed) => {
      const trace = new Trace(seed);
      for (let step = 0; step < 150; step += 1) {
        trace.step();
        expectTrueStatus(trace.service);
        await vi.advanceTimersByTimeAsync(step % 3 === 0 ? 700 : 0);
      }
      await trace.finish();
      expect(trace.asked.filter(({ isOver }) => !isOver)).toEqual([]);
      expect(trace.service.readers().map(({ openPrompts }) => openPrompts)).not.toContainEqual(
        expect.toSatisfy((count: number) => count > 0),
      );
      const last = new Map<string, string>();
      for (const { readerId, state } of trace.states) {
        const before = last.get(readerId);
        const isFirst = state.kind === 'starting' && (before === undefined || before === 'stopped');
        if (!isFirst)
          expect(isTransition(before as 'live', state.kind), `${before} → ${state.kind}`).toBe(true);
        last.set(readerId, state.kind);
      }
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});
