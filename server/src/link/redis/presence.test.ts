import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Defect } from '../../errors.js';
import { BEAT_MS, GRACE_MS } from './leases.js';
import { Presence } from './presence.js';
import { RedisUnreachable } from './redis-connection.js';

const nothing = (): Promise<void> => Promise.resolve();

function presenceOf(onBeat: () => Promise<void> = nothing) {
  const said: string[] = [];
  const presence = new Presence({
    log: { info: (message) => said.push(message), warn: (message) => said.push(message) },
    onBeat,
    onUp: () => said.push('up'),
    onDown: () => said.push('down'),
  });
  return { presence, said, up: presence.listener.onUp, down: presence.listener.onDown };
}

/** Beats once a second, as its owner does. */
async function beatFor(presence: Presence, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += BEAT_MS) {
    await vi.advanceTimersByTimeAsync(BEAT_MS);
    await presence.beat();
  }
}

describe('Presence', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
  afterEach(() => vi.useRealTimers());

  it('knows how long Redis has been away, from before the first connection on', async () => {
    const { presence, up, down } = presenceOf();
    await vi.advanceTimersByTimeAsync(700);
    expect(presence.downMs).toBe(700);
    up();
    expect(presence.downMs).toBeNull();
    down('closed');
    await vi.advanceTimersByTimeAsync(300);
    down('refused');
    expect(presence.downMs).toBe(300);
  });

  it('reports an outage once, however often it is met, and its end', () => {
    const { said, up, down } = presenceOf();
    down('refused');
    down('refused');
    up();
    down('closed');
    down('refused');
    up();
    expect(said.filter((line) => line !== 'down' && line !== 'up')).toEqual([
      'Redis cannot be reached: refused',
      'connected to Redis',
      'Redis cannot be reached: closed',
      'connected to Redis again',
    ]);
    expect(said.filter((line) => line === 'down')).toHaveLength(4);
  });

  it('judges nobody while it is cut off, nor for a while after it', async () => {
    const { presence, up, down } = presenceOf();
    up();
    await beatFor(presence, GRACE_MS);
    expect(presence.mayJudge).toBe(false);
    await beatFor(presence, BEAT_MS);
    expect(presence.mayJudge).toBe(true);
    down('closed');
    expect(presence.mayJudge).toBe(false);
    up();
    await beatFor(presence, GRACE_MS);
    expect(presence.mayJudge).toBe(false);
    await beatFor(presence, BEAT_MS);
    expect(presence.mayJudge).toBe(true);
  });

  it('judges nobody for a while after it stood still itself', async () => {
    const { presence, up } = presenceOf();
    up();
    await beatFor(presence, 2 * GRACE_MS);
    expect(presence.mayJudge).toBe(true);
    await vi.advanceTimersByTimeAsync(4_000);
    await presence.beat();
    expect(presence.mayJudge).toBe(false);
  });

  it('beats at once when Redis is there, and never twice at a time', async () => {
    let end: () => void = () => undefined;
    const onBeat = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    const { presence, up } = presenceOf(onBeat);
    up();
    const slow = [presence.beat(), presence.beat(), presence.idle()];
    expect(onBeat).toHaveBeenCalledTimes(1);
    end();
    await Promise.all(slow);
    void presence.beat();
    expect(onBeat).toHaveBeenCalledTimes(2);
  });

  it('goes on after trouble of Redis, and hides no defect', async () => {
    const onBeat = vi.fn(nothing).mockRejectedValueOnce(new RedisUnreachable('closed'));
    const { presence } = presenceOf(onBeat);
    await presence.beat();
    onBeat.mockRejectedValueOnce(new Defect('impossible'));
    await expect(presence.beat()).rejects.toThrow('impossible');
    await presence.beat();
    expect(onBeat).toHaveBeenCalledTimes(3);
  });
});
