import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AttemptEnd } from '../answer/consumer-group.js';
import { doneOf, messageOf } from '../answer/message.fixture.js';
import type { ReaderState } from './reader-state.js';
import { ScriptedReaders, START, silent, PATIENT } from './scripted-reader.fixture.js';
import { ReaderSupervisor } from './supervisor.js';
import { VERSIONS } from '../../link/messages.js';
import { NO_SECRETS } from '../../link/secrets.js';

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

function supervise(readers = new ScriptedReaders(silent), limits = PATIENT): Supervised {
  const states: ReaderState[] = [];
  const logged: string[] = [];
  const supervisor = new ReaderSupervisor({
    start: START,
    consumerGroup: 'primary',
    secrets: NO_SECRETS,
    launch: readers.launch,
    limits,
    random: () => 0,
    onState: (state) => states.push(state),
    onLog: (level, message) => logged.push(`${level}: ${message}`),
  });
  supervisor.start();
  return { supervisor, readers, states, logged };
}

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

  it('begins with the shortest delay again for a reader that had been healthy', async () => {
    const { readers, states } = supervise();
    for (const [liveForMs, restartInMs] of [
      [0, 500],
      [59_999, 1000],
      [60_000, 500],
    ] as const) {
      await vi.advanceTimersByTimeAsync(liveForMs);
      readers.last.die();
      await settle();
      expect(states.at(-1)).toMatchObject({ kind: 'dead', restartInMs });
      await vi.advanceTimersByTimeAsync(restartInMs);
    }
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
      readers.last.say({ kind: 'heartbeat', running: 1, steps: second });
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
    supervisor.generate(messageOf(1, 'r1'), { onEvent: () => undefined, onEnd: () => undefined });
    const talk = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds && readers.lives.length === 1; second += 1) {
        readers.last.say({ kind: 'heartbeat', running: 1, steps: 7 });
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
      onEnd: (end) => lost.push(`${supervisor.state.kind}: ${end.kind === 'lost' ? end.reason : ''}`),
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
    const handing = () =>
      supervisor.generate(messageOf(), { onEvent: () => undefined, onEnd: () => undefined });
    expect(handing).toThrow('reader1, which is dead');
    expect(supervisor.openPrompts).toBe(0);
  });

  it('passes a cancellation on only while the request is open', async () => {
    const { readers, supervisor } = supervise();
    await settle();
    supervisor.cancel('r', 'unwanted');
    supervisor.generate(messageOf(), { onEvent: () => undefined, onEnd: () => undefined });
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
    expect(lost).toEqual([{ kind: 'lost', reason: 'the server shut down' }]);
  });

  it('starts nothing any more when it is stopped between two lives', async () => {
    const { readers, supervisor } = supervise();
    readers.last.die();
    await settle();
    await supervisor.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(readers.lives).toHaveLength(1);
  });
});
