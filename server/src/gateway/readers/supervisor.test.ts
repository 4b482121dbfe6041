import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptEnd, SubmissionListener } from '../answer/consumer-group.js';
import { doneOf, messageOf } from '../answer/message.fixture.js';
import type { ReaderState } from './reader-state.js';
import { CARD, PATIENT, ScriptedReaders, START, silent } from './scripted-reader.fixture.js';
import { ReaderSupervisor } from './supervisor.js';
import type { FinishReason } from 'takeoff-wire';
import { VERSIONS } from '../../link/messages.js';
import type { ReaderStart } from '../../link/lifecycle/messages.js';
import { NO_SECRETS } from '../../link/secrets.js';
import { NOTHING_COUNTED } from '../../link/lifecycle/reader-counts.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Supervised {
  readonly supervisor: ReaderSupervisor;
  readonly readers: ScriptedReaders;
  readonly states: ReaderState[];
  readonly logged: string[];
}

function supervise(
  readers = new ScriptedReaders(silent),
  limits = PATIENT,
  start: ReaderStart = START,
): Supervised {
  const states: ReaderState[] = [];
  const logged: string[] = [];
  const supervisor = new ReaderSupervisor({
    start,
    secrets: NO_SECRETS,
    buffersRequests: true,
    launch: readers.launch,
    limits,
    random: () => 0,
    onState: (state) => states.push(state),
    onLog: (level, message) => logged.push(`${level}: ${message}`),
  });
  supervisor.start();
  return { supervisor, readers, states, logged };
}

const IGNORED: SubmissionListener = { onEvent: () => undefined, onEnd: () => undefined };

/** Lets messages and ends arrive that are on their way. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

const notLive = (): ScriptedReaders => {
  const readers = new ScriptedReaders(silent);
  readers.card = null;
  return readers;
};

describe('ReaderSupervisor', () => {
  it('follows a reader from its start over loading to live, and writes down what it logs', async () => {
    const { readers, states, logged, supervisor } = supervise(notLive());
    readers.last.say({ kind: 'loading', stage: 'reading weights', fraction: 0.5 });
    readers.last.say({ kind: 'log', level: 'warn', message: 'slow disk' });
    const card = new ScriptedReaders().card;
    if (card !== null) readers.last.say({ kind: 'ready', versions: VERSIONS, card });
    await settle();
    expect(states.map(({ kind }) => kind)).toEqual(['starting', 'loading', 'live']);
    expect(states[1]).toMatchObject({ stage: 'reading weights', fraction: 0.5 });
    expect(logged).toEqual(['warn: slow disk']);
    expect(supervisor.pid).toBe(4711);
  });

  it('starts a reader again that died, with delays that double', async () => {
    const { readers, states } = supervise(notLive());
    const delays: (number | null)[] = [];
    for (let life = 1; life <= 8; life += 1) {
      expect(readers.lives).toHaveLength(life);
      readers.last.die();
      await settle();
      const dead = states.at(-1);
      if (dead?.kind !== 'dead' || dead.restartInMs === null) throw new TypeError('the reader is not dead');
      delays.push(dead.restartInMs);
      await vi.advanceTimersByTimeAsync(dead.restartInMs - 1);
      expect(readers.lives).toHaveLength(life);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('starts a reader again at once that had answered, and with a delay that had only been live', async () => {
    const { supervisor, readers, states } = supervise();
    const dieAfter = async (answers: boolean, finishReason: FinishReason = 'stop'): Promise<unknown> => {
      await settle();
      supervisor.generate(messageOf(), IGNORED);
      if (answers) readers.last.done('r', 0, finishReason);
      await settle();
      readers.last.die();
      await settle();
      const [dead] = states.filter(({ kind }) => kind === 'dead').slice(-1);
      const restartInMs = dead?.kind === 'dead' ? dead.restartInMs : undefined;
      await vi.advanceTimersByTimeAsync(restartInMs ?? 0);
      return restartInMs;
    };
    expect(await dieAfter(true)).toBe(0);
    expect(await dieAfter(true)).toBe(0);
    expect(await dieAfter(false)).toBe(500);
    // An answer that was cancelled shows nothing.
    expect(await dieAfter(true, 'cancelled')).toBe(1000);
    expect(await dieAfter(true)).toBe(0);
    expect(await dieAfter(false)).toBe(500);
  });

  it('does not believe a reader that becomes ready twice or loads while it is live', async () => {
    const { readers, states } = supervise();
    await settle();
    readers.last.say({ kind: 'ready', versions: VERSIONS, card: { ...CARD, modelType: 'another' } });
    readers.last.say({ kind: 'loading', stage: 'again', fraction: null });
    await settle();
    expect(states.map(({ kind }) => kind)).toEqual(['starting', 'live']);
    expect(states.at(-1)).toMatchObject({ card: CARD });
  });

  it('ends a live reader that says nothing any more, and starts it again', async () => {
    const limits = { readerMessageTimeoutMs: 6000, firstTokenTimeoutMs: 60_000 };
    const { supervisor, readers, states } = supervise(new ScriptedReaders(silent), limits);
    await settle();
    const lost: AttemptEnd[] = [];
    supervisor.generate(messageOf(1, 'r1'), {
      onEvent: () => undefined,
      onEnd: (end) => lost.push(end),
    });
    for (let second = 0; second < 20; second += 1) {
      readers.last.say({ kind: 'heartbeat', running: 1, steps: second, counts: NOTHING_COUNTED });
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(readers.lives).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(7000);
    expect(states.at(-1)).toEqual({
      kind: 'dead',
      code: 'reader.stalled',
      reason: 'The reader was ended because it said nothing for 6000 ms (reader_message_timeout_ms).',
      restartInMs: 500,
    });
    expect(lost).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(readers.lives).toHaveLength(2);
    expect(states.at(-1)?.kind).toBe('live');
  });

  it('ends a live reader whose engine hangs in the middle of an answer, though it talks', async () => {
    const limits = { readerMessageTimeoutMs: 6000, firstTokenTimeoutMs: 600_000 };
    const { supervisor, readers, states } = supervise(new ScriptedReaders(silent), limits);
    await settle();
    supervisor.generate(messageOf(1, 'r1'), IGNORED);
    const talk = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds && readers.lives.length === 1; second += 1) {
        readers.last.say({ kind: 'heartbeat', running: 1, steps: 7, counts: NOTHING_COUNTED });
        await vi.advanceTimersByTimeAsync(1000);
      }
    };
    await talk(20);
    supervisor.cancel('a request of an earlier life', 'stalled');
    await talk(20);
    expect(readers.lives).toHaveLength(1);
    supervisor.cancel('r1', 'stalled');
    await talk(2);
    expect(states).toContainEqual({
      kind: 'dead',
      code: 'reader.stalled',
      reason: 'The reader was ended because its engine made no step for 6000 ms (reader_message_timeout_ms).',
      restartInMs: 500,
    });
  });

  it('leaves a reader alone that is loading, however long it takes', async () => {
    const limits = { readerMessageTimeoutMs: 1000, firstTokenTimeoutMs: 1000 };
    const { readers } = supervise(notLive(), limits);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(readers.lives).toHaveLength(1);
  });

  it('does not start a reader again whose model cannot be served', async () => {
    const { readers, states } = supervise(notLive());
    readers.last.say({ kind: 'failed', code: 'checkpoint.missing', message: 'There is no /models/x.' });
    readers.last.die();
    await settle();
    expect(states.at(-1)).toEqual({
      kind: 'dead',
      code: 'checkpoint.missing',
      reason: 'There is no /models/x.',
      restartInMs: null,
    });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(readers.lives).toHaveLength(1);
  });

  it('gives a reader up whose hub is not reached for two minutes, and says so', async () => {
    const { readers, states } = supervise(notLive());
    const lastState = (): ReaderState | undefined => states.at(-1);
    let lives = 0;
    for (; lives < 20; lives += 1) {
      readers.last.say({ kind: 'failed', code: 'hub.unreachable', message: 'The hub is away.' });
      readers.last.die('exit code 1');
      await settle();
      const state = lastState();
      if (state?.kind === 'dead' && state.restartInMs === null) break;
      await vi.advanceTimersByTimeAsync(45_000);
    }
    expect(lastState()).toMatchObject({
      kind: 'dead',
      code: 'hub.unreachable',
      reason: expect.stringMatching(/^The hub is away\. .*2 minutes.*not started again/u) as string,
      restartInMs: null,
    });
    expect(lives).toBeGreaterThan(1);
  });

  it('tells the device of a live reader as the reader does, and until then as it is configured', async () => {
    const { supervisor } = supervise(undefined, PATIENT, { ...START, device: 'auto' });
    expect(supervisor.device).toBe('auto');
    await settle();
    expect(supervisor.device).toBe('cpu');
  });

  it('calls the device of an echo reader echo', () => {
    expect(supervise().supervisor.device).toBe('cpu');
    const start = { ...START, device: 'cuda', echo: true } as const;
    expect(supervise(undefined, PATIENT, start).supervisor.device).toBe('echo');
  });

  it('starts a reader that ran out of memory again with half the KV cache, twice and no more', async () => {
    const { readers, states } = supervise(notLive());
    for (let life = 1; life <= 3; life += 1) {
      expect(readers.lives).toHaveLength(life);
      readers.last.say({ kind: 'failed', code: 'native.out_of_memory', message: 'Too little.' });
      readers.last.die();
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(readers.launches.map(({ start }) => start.kvHalvings)).toEqual([0, 1, 2]);
    const deaths = states.flatMap((state) => (state.kind === 'dead' ? [state] : []));
    expect(deaths.map(({ restartInMs }) => restartInMs === null)).toEqual([false, false, true]);
    expect(deaths[0]?.reason).toBe('Too little. It is started again with a KV cache of half the size.');
    expect(deaths[2]?.reason).toMatch(/^Too little\. This happened 3 times, .* set page_cache_size/u);
  });

  it('tells what killed a reader from what its native code printed last', async () => {
    const { readers, states } = supervise();
    await settle();
    readers.launches[0]?.print('  what():  vk::Queue::submit: ErrorDeviceLost');
    readers.last.die('its process ended by SIGABRT');
    await settle();
    expect(states.at(-1)).toMatchObject({
      kind: 'dead',
      code: 'native.device_lost',
      reason: expect.stringContaining('vk::Queue::submit: ErrorDeviceLost') as string,
    });
  });

  it('does start a reader again that failed after it was live', async () => {
    const { readers, states } = supervise();
    await settle();
    readers.last.say({ kind: 'failed', code: 'checkpoint.unreadable', message: 'The disk went away.' });
    readers.last.die();
    await settle();
    expect(states.at(-1)).toMatchObject({ kind: 'dead', restartInMs: 500 });
  });

  it('tells open requests that their reader is lost, when it is known to be dead', async () => {
    const { readers, supervisor } = supervise();
    await settle();
    const lost: string[] = [];
    supervisor.generate(messageOf(2), {
      onEvent: () => undefined,
      onEnd: (end) => lost.push(`${supervisor.state.kind}: ${end.kind === 'lost' ? end.death.reason : ''}`),
    });
    expect(supervisor.openPrompts).toBe(2);
    readers.last.die('ended by SIGKILL');
    await settle();
    expect(lost).toEqual(['dead: closed; ended by SIGKILL']);
    expect(supervisor.openPrompts).toBe(0);
  });

  it('takes no request unless it is live', async () => {
    const { readers, supervisor } = supervise();
    readers.last.die();
    await settle();
    const handing = () => supervisor.generate(messageOf(), IGNORED);
    expect(handing).toThrow('reader1, which is dead');
    expect(supervisor.openPrompts).toBe(0);
  });

  it('passes a cancellation on only while the request is open', async () => {
    const { readers, supervisor } = supervise();
    await settle();
    supervisor.cancel('r', 'unwanted');
    supervisor.generate(messageOf(), IGNORED);
    supervisor.cancel('r', 'unwanted');
    readers.last.say(doneOf());
    await settle();
    supervisor.cancel('r', 'unwanted');
    await settle();
    expect(readers.last.received.map(({ kind }) => kind)).toEqual(['generate', 'cancel']);
  });

  it('asks an idle reader to end, and kills one that does not', async () => {
    const { readers, supervisor, states } = supervise();
    await settle();
    const stopped = supervisor.stop();
    await settle();
    await stopped;
    expect(readers.last.received.map(({ kind }) => kind)).toEqual(['drain']);
    expect(states.at(-1)).toEqual({ kind: 'stopped' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(readers.lives).toHaveLength(1);
  });

  it('kills a busy reader and ends its requests', async () => {
    const { supervisor } = supervise();
    await settle();
    const lost: AttemptEnd[] = [];
    supervisor.generate(messageOf(), { onEvent: () => undefined, onEnd: (end) => lost.push(end) });
    await supervisor.stop();
    expect(lost).toEqual([{ kind: 'lost', death: { reason: 'closed; killed', requestIds: ['r'] } }]);
  });

  it('starts nothing any more when it is stopped between two lives', async () => {
    const { readers, supervisor } = supervise();
    readers.last.die();
    await settle();
    await supervisor.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(readers.lives).toHaveLength(1);
  });

  describe('that drains', () => {
    it('finishes what it has, takes nothing new, and stops for good', async () => {
      const { readers, supervisor, states } = supervise();
      await settle();
      const heard: string[] = [];
      supervisor.generate(messageOf(2), { ...IGNORED, onEvent: ({ kind }) => heard.push(kind) });
      const drained = supervisor.drain();
      expect(() => supervisor.generate(messageOf(1, 'late'), IGNORED)).toThrow('which is draining');
      await settle();
      readers.last.token('r', 'x');
      readers.last.done('r', 0);
      // Far longer than an idle reader may take to end.
      await vi.advanceTimersByTimeAsync(60_000);
      expect(states.at(-1)?.kind).toBe('draining');
      readers.last.done('r', 1);
      await drained;
      expect(heard).toEqual(['token', 'done', 'done']);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(states.map(({ kind }) => kind)).toEqual(['starting', 'live', 'draining', 'stopped']);
      expect(readers.lives).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('is killed when it does not end although it has nothing left to do', async () => {
      const { readers, supervisor } = supervise();
      await settle();
      readers.last.ignoresDrain = true;
      supervisor.generate(messageOf(), IGNORED);
      const drained = supervisor.drain();
      await settle();
      readers.last.done('r');
      await vi.advanceTimersByTimeAsync(1_999);
      expect(supervisor.state.kind).toBe('draining');
      await vi.advanceTimersByTimeAsync(1);
      await drained;
      expect(supervisor.state.kind).toBe('stopped');
    });

    it('still ends when it hangs in the middle of its last answer', async () => {
      const limits = { readerMessageTimeoutMs: 6000, firstTokenTimeoutMs: 60_000 };
      const { supervisor } = supervise(new ScriptedReaders(silent), limits);
      await settle();
      supervisor.generate(messageOf(), IGNORED);
      const drained = supervisor.drain();
      await vi.advanceTimersByTimeAsync(8_000);
      await drained;
      expect(supervisor.state.kind).toBe('stopped');
    });

    it('is not started again when it dies, and its requests are lost', async () => {
      const { readers, supervisor } = supervise();
      await settle();
      const ends: AttemptEnd[] = [];
      supervisor.generate(messageOf(), { ...IGNORED, onEnd: (end) => ends.push(end) });
      const drained = supervisor.drain();
      readers.last.die();
      await drained;
      expect(ends).toMatchObject([{ kind: 'lost', death: { requestIds: ['r'] } }]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(readers.lives).toHaveLength(1);
    });

    it.each([
      ['loads', notLive, 0],
      ['is dead', notLive, 1],
    ] as const)('stops at once while it %s', async (_, make, deaths) => {
      const { readers, supervisor } = supervise(make());
      if (deaths > 0) readers.last.die();
      await settle();
      await supervisor.drain();
      expect(supervisor.state.kind).toBe('stopped');
      await vi.advanceTimersByTimeAsync(60_000);
      expect(readers.lives).toHaveLength(1);
    });

    it('may be asked again, and may be stopped meanwhile', async () => {
      const { supervisor } = supervise();
      await settle();
      supervisor.generate(messageOf(), IGNORED);
      const [first, second] = [supervisor.drain(), supervisor.drain()];
      await supervisor.stop();
      await Promise.all([first, second, supervisor.drain(), supervisor.stop()]);
      expect(supervisor.state.kind).toBe('stopped');
    });
  });
});
